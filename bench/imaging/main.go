package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"revela/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench/imaging:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && (args[0] == pure || args[0] == turbo) {
		return contend(ctx, args[0], args[1:], stdout)
	}
	b := bench{report: &report.Report{Bench: "imaging", Out: stdout, Err: stderr}}
	fs := flag.NewFlagSet("bench/imaging", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&b.rounds, "rounds", 3, "how often everybody has a turn")
	fs.IntVar(&b.workers, "workers", 2, "pictures worked on at once")
	fs.IntVar(&b.work, "work", 100, "megapixels that a measurement is to last")
	fs.StringVar(&b.dir, "dir", "bench/imaging", "folder of this program's source, with the peers")
	fs.StringVar(&b.cache, "pictures", "", "folder to keep the generated pictures in; none: they are deleted")
	formats := fs.String("formats", strings.Join(allFormats, ","), "what the pictures are")
	sizes := fs.String("mp", "2,12,48", "their megapixels; none with alpha above 12")
	who := fs.String("who", strings.Join(everybody, ","), "whom to measure")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || b.rounds < 1 || b.workers < 1 || b.work < 1 {
		return errors.New("at least one round, worker and megapixel, and no other arguments are expected; see -help")
	}
	b.who, b.formats = strings.Split(*who, ","), strings.Split(*formats, ",")
	for s := range strings.SplitSeq(*sizes, ",") {
		mp, err := strconv.ParseFloat(s, 64)
		if err != nil || mp <= 0 || mp > 50 {
			return fmt.Errorf("-mp %q: numbers up to 50 are expected", s)
		}
		b.sizes = append(b.sizes, mp)
	}
	return b.run(ctx)
}
