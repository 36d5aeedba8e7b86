// Package tasktest holds the conformance suites for the ports of task: what
// every implementation must do, whatever it is made of.
//
// A suite opens what it tests itself, as often as it needs, so implementations
// hand it a function that gives each test an empty store of its own and closes
// it with the test.
package tasktest
