package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"revela/app/client"
)

func submitCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "submit PATH|URL...",
		Short: "Upload pictures to a running server",
		Long: `Uploads files, and has the server fetch URLs (http:// or https://). Each becomes
a task. The status is 1 if one was refused or, with --wait, did not complete.`,
		Example: `  app submit photo.jpg
  app submit --wait *.jpg https://example.org/picture.png
  app submit --priority urgent photo.jpg
  app submit --delay 10m photo.jpg
  app submit --wait --json photo.jpg | jq -r '.images[].url'`,
		Args: some("a file or a URL"),
	}
	r := addRemote(c)
	var s submission
	c.Flags().BoolVar(&s.wait, "wait", false, "wait for the results, with a progress bar on a terminal")
	c.Flags().BoolVar(&s.json, "json", false, "print each task as one JSON object a line")
	c.Flags().StringVar(&s.wishes.Variants, "variants", "", "the `set` of variants to make, one of the server's; none is its default")
	c.Flags().StringVar(&s.wishes.Priority, "priority", "", "`normal` or urgent, which overtakes the others")
	c.Flags().DurationVar(&s.wishes.Delay, "delay", 0, "begin no sooner than this long from now, up to 720h")
	c.Flags().IntVar(&s.parallel, "parallel", 4, "pictures `N` at a time, 1 to 64")
	c.RunE = func(c *cobra.Command, args []string) error {
		if s.parallel < 1 || s.parallel > 64 {
			return WrongUsage(c, fmt.Errorf("--parallel is %d, expected 1 to 64", s.parallel))
		}
		if p := s.wishes.Priority; p != "" && p != "normal" && p != "urgent" {
			return WrongUsage(c, fmt.Errorf("--priority is %q, expected normal or urgent", p))
		}
		if d := s.wishes.Delay; d < 0 || d > 720*time.Hour {
			return WrongUsage(c, fmt.Errorf("--delay is %v, expected 0 to 720h", d))
		}
		cl, err := r.client(c)
		if err != nil {
			return err
		}
		defer cl.Close()
		s.client, s.sources, s.out, s.errOut = cl, args, c.OutOrStdout(), c.ErrOrStderr()
		return s.run(c.Context())
	}
	return c
}

// submission is one call of the command.
type submission struct {
	client      *client.Client
	sources     []string
	wishes      client.Wishes
	wait, json  bool
	parallel    int
	out, errOut io.Writer
}

// outcome is what became of one source.
type outcome struct {
	task client.Task
	err  error
}

// run submits everything first, so that the workers have something to do, and
// then waits. Results are printed in the order of the arguments.
func (s *submission) run(ctx context.Context) error {
	bar := &progress{}
	if s.wait && isTerminal(s.errOut) {
		bar = newProgress(s.errOut, len(s.sources))
	}
	results := make([]outcome, len(s.sources))
	s.each(func(i int) {
		results[i].task, results[i].err = s.submit(ctx, s.sources[i])
		bar.sent(results[i].err == nil)
	})
	if s.wait {
		s.each(func(i int) {
			if r := &results[i]; r.err == nil {
				r.task, r.err = s.await(ctx, r.task)
				bar.finished()
			}
		})
	}
	bar.end()

	failed := 0
	for i, r := range results {
		if r.err != nil {
			failed++
			fmt.Fprintf(s.errOut, "app: %s: %v\n", plain(s.sources[i], 200), r.err)
		}
		if err := s.print(r.task); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failed == 1 && len(results) == 1 && hintOf(results[0].err) != "":
		fmt.Fprintf(s.errOut, "hint: %s\n", hintOf(results[0].err))
	}
	return told(failed, len(results), "pictures")
}

// each calls do for every source, some at a time.
func (s *submission) each(do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.parallel)
	for i := range s.sources {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

func (s *submission) submit(ctx context.Context, source string) (client.Task, error) {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return s.client.SubmitURL(ctx, source, s.wishes)
	}
	f, err := os.Open(source)
	if err != nil {
		return client.Task{}, pathless(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return client.Task{}, pathless(err)
	}
	if !info.Mode().IsRegular() {
		return client.Task{}, errors.New("not a file")
	}
	return s.client.Upload(ctx, filepath.Base(source), s.wishes, f, info.Size())
}

// await waits for a task, and fails unless it completes.
func (s *submission) await(ctx context.Context, t client.Task) (client.Task, error) {
	done, err := s.client.Watch(ctx, t.ID, nil)
	if err != nil {
		return t, err
	}
	return done, outcomeOf(done)
}

// outcomeOf is the error of a finished task that did not complete.
func outcomeOf(t client.Task) error {
	switch {
	case t.Status == "failed" && t.Error != "":
		return fmt.Errorf("failed: %s", plain(t.Error, 500))
	case t.Status != "completed":
		return errors.New(t.Status)
	}
	return nil
}

// print writes a task that was accepted.
func (s *submission) print(t client.Task) error {
	if t.ID == "" {
		return nil
	}
	if s.json {
		return printJSON(s.out, t.Raw)
	}
	_, err := fmt.Fprintf(s.out, "%s  %-9s  %s\n", t.ID, t.Status, plain(t.Source, 200))
	for _, img := range t.Images {
		if err == nil {
			_, err = fmt.Fprintf(s.out, "  %s: %s\n", img.Resolution, imageLine(img))
		}
	}
	return err
}

// pathless drops the path, which is named already.
func pathless(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
