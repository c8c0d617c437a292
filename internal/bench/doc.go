// Package bench measures errstatus beside other ways of getting a domain's error to a
// caller. It has benchmarks only; see README.md.
package bench
