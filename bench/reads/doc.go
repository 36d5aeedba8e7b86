// Command reads measures the way of a read over HTTP: the whole service beside
// a bare gin handler that writes the same bytes with the same headers, and
// beside a Node stack of the same job. Every server is a process of its own,
// all are driven by this one over loopback, in turns.
//
// Besides, it measures how soon another process sees a change, and what an
// invalidation costs with few and with many cached lists.
//
// The program is its own service and its own bare gin: it starts itself again
// with a role, see roles.go.
package main
