// Package redistest gives tests a real redis-server.
//
// Server starts one for a test that wants to configure, kill or restart it;
// Shared lends a database of its own on one server that all tests of a package
// use at the same time. Start is for programs that measure. Every server listens
// on loopback and on a unix socket, is stopped with its last test and does not
// outlive its process.
//
// A missing redis-server fails the test; nothing is skipped.
package redistest
