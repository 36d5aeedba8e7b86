// Command e2e measures the whole way of a picture, from upload to finished
// variants, by Revela beside a Node stack (see ../stack-node): several clients
// upload copies of one generated photograph, and the clock stops when the last
// task is completed. Both run in turns as processes of their own, with as many
// workers each, on the same redis-server.
//
// The comparison favours the Node stack: its tasks are in memory and its files
// are not synced, while Revela stores both so that they survive a crash.
package main
