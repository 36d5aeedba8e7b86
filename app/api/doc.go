// Package api is Revela over HTTP: the routes, the shapes of requests and
// answers, the one map from errors to problem+json, and Server-Sent Events.
// gin ends here: no other package knows it, and no handler keeps its context.
//
// It decides nothing about tasks. A handler reads its input strictly, calls
// task.Service or queue.Queue, and writes the answer; an error goes back to
// the one place that turns it into a problem (fail.go). An internal cause is
// logged there, once, with the request's id, and never shown.
//
// Every body is read as a stream with a limit in bytes and a deadline that
// moves with progress, so neither a large nor a slow sender holds more than a
// connection.
//
// openapi.json describes every route; a test holds the two together.
package api
