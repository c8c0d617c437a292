// Package docstest checks the pages: README.md, CONTRIBUTING.md, CHANGELOG.md and
// those under docs. It has tests only.
package docstest
