// Revela turns uploaded pictures into their variants: an HTTP API, a reliable
// queue and its workers in one executable.
package main

import (
	"os"

	"revela/app"
)

func main() { os.Exit(app.Main(os.Args[1:])) }
