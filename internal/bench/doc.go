// Package bench compares errstatus with other ways to send a domain error to a
// caller. It has only benchmarks and their tests; see README.md.
package bench
