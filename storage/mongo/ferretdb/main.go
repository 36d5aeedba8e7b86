// Command ferretdb is the MongoDB-compatible server that the tests of
// storage/mongo talk to: FerretDB over SQLite, from a module, so that a machine
// needs nothing but Go for them.
//
// It is a module of its own to keep FerretDB out of the product's dependencies.
// It sends no telemetry, listens on a free loopback port, prints its address on
// standard output once it answers, and ends when its standard input is closed —
// which the kernel does when the process that started it is gone, however that
// ended.
//
// FerretDB 1 finds and updates in two steps and so loses updates that run at
// the same time. Never keep data in it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	dir := flag.String("dir", "", "directory for the databases; it must exist")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	if dir == "" {
		return fmt.Errorf("-dir is missing: name a directory for the databases")
	}
	// The backend wants a file URI that ends with a slash.
	at := url.URL{Scheme: "file", Path: filepath.ToSlash(dir) + "/"}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: at.String(),
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	go func() { fmt.Println(server.MongoDBURI()) }() // blocks until it listens
	return server.Run(ctx)
}
