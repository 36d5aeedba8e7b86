// Package mongo keeps task records in MongoDB, or in a faithful server that
// speaks its protocol.
//
// It asks of the server only what a standalone mongod, a replica set and a
// sharded cluster share: changes of single documents whose condition is in
// their filter, and indexes. Each change is conditional on the document's
// version, so of many that start from the same version one succeeds. A server
// that lets two succeed would lose tasks without a sound; Open looks for that
// and refuses such a server with ErrNotAtomic.
//
// Unless the URI says otherwise, changes are confirmed when a majority of the
// replica set has them in its journal, and only such are read, from the primary.
// A collection sharded by _id cannot have the unique index on idempotencyKey:
// Open then says so.
//
// Every operation ends within two seconds, whatever the URI says about
// timeouts: a server that cannot be reached, has no primary or hangs is
// reported as task.ErrUnavailable. A change that ends so may have happened;
// doing it again tells, by task.ErrConflict or task.ErrKeyTaken.
//
// The tests start a server of their own from ./ferretdb. It is good for one
// command at a time, so races go through a proxy that sees to that. They run
// everything on the server that MONGODB_TEST_URI names as well, if it does.
package mongo
