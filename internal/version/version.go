// Package version has the version of this module's commands.
package version

// Version is the version of all commands. Generated files repeat it, so it is a constant:
// the version in the build information differs from machine to machine.
const Version = "v0.1.0-dev"
