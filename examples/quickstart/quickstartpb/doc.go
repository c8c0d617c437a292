// Package quickstartpb is generated from quickstart.proto: the messages and the
// service of the quickstart.
package quickstartpb
