// Package app starts Revela: it reads the configuration, opens the parts that
// the process needs, wires them and runs them until a signal comes. It holds no
// rule of the business; its packages below serve HTTP, the command line, the
// configuration and the connection to Redis.
package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"revela/app/cli"
)

// Main runs the program with the arguments after its name and returns the exit
// status: 0 done, 1 failed, 2 wrong usage. The first SIGINT or SIGTERM stops it
// in order, the second at once.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its usual effect
	return cli.Main(ctx, cli.Root(serveCommand(), workerCommand()), args, os.Stdin, os.Stdout, os.Stderr)
}
