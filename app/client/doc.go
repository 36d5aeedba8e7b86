// Package client speaks to a running server over its REST API, as any program
// of any language would: it knows the API's JSON and nothing of the code behind
// it.
//
// A Client is safe for concurrent use. Every call ends with its context. What
// the server refuses comes back as *Error with its code; that the server cannot
// be reached is *UnreachableError. Nothing is retried, except that Watch goes
// on asking through interruptions.
package client
