// Package quickstartpb has the messages and the service of the quickstart, generated
// from quickstart.proto.
package quickstartpb
