package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"revela/app/client"
)

// table writes rows in columns.
func table(w io.Writer, head []string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		if _, err := fmt.Fprintln(tw, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}

// printJSON writes one value on a line of its own.
func printJSON(w io.Writer, raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// plain makes text from elsewhere safe for a terminal: on one line, without
// control sequences, at most max runes.
func plain(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > max {
		return string(runes[:max-1]) + "…"
	}
	return s
}

// details writes all about one task.
func details(w io.Writer, t client.Task) error {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(tw, "%s:\t%s\n", name, value) }
	row("task", t.ID)
	row("status", t.Status)
	row("source", plain(t.Source, 200))
	row("attempts", fmt.Sprint(t.Attempts))
	row("created", t.CreatedAt.Format(time.RFC3339))
	row("updated", t.UpdatedAt.Format(time.RFC3339))
	if t.Variants != "" {
		row("variants", plain(t.Variants, 64))
	}
	if t.Priority != "" {
		row("priority", plain(t.Priority, 64))
	}
	if !t.NotBefore.IsZero() {
		row("not before", t.NotBefore.Format(time.RFC3339))
	}
	if o := t.Original; o != nil {
		line := fmt.Sprintf("%s %dx%d, %s", o.Format, o.Width, o.Height, humanize.IBytes(uint64(max(o.Size, 0))))
		if o.Frames > 1 {
			what := "frames"
			if o.Format == "tiff" {
				what = "pages"
			}
			line += fmt.Sprintf(", %d %s, %s", o.Frames, what, plain(o.Note, 200))
		}
		row("original", line)
		if o.ThumbHash != "" {
			row("thumbhash", plain(o.ThumbHash, 64))
		}
	}
	if t.Error != "" {
		row("error", plain(t.Error, 500))
	}
	for _, img := range t.Images {
		row("image "+img.Resolution, imageLine(img))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// jobDetails writes all about one job, and an empty line.
func jobDetails(w io.Writer, j client.Job) error {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(tw, "%s:\t%s\n", name, value) }
	moment := func(name string, ms int64) {
		if ms != 0 {
			row(name, time.UnixMilli(ms).Format(time.RFC3339))
		}
	}
	row("job", plain(j.ID, 64))
	row("state", plain(j.State, 64))
	if j.Priority != "" {
		row("priority", plain(j.Priority, 64))
	}
	moment("added", j.Timestamp)
	moment("due", j.DueAt)
	moment("began", j.ProcessedOn)
	moment("ended", j.FinishedOn)
	row("attempts", strconv.Itoa(j.AttemptsMade))
	if j.Stalls > 0 {
		row("workers lost", strconv.Itoa(j.Stalls))
	}
	if j.FailedReason != "" {
		row("reason", plain(j.FailedReason, 500))
	}
	if j.Broken != "" {
		row("broken", plain(j.Broken, 500))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, attempt := range j.Stacktrace {
		for line := range strings.Lines(attempt) {
			fmt.Fprintf(&b, "  %s\n", plain(strings.TrimRight(strings.ReplaceAll(line, "\t", "  "), "\n"), 500))
		}
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

func imageLine(img client.Image) string {
	return fmt.Sprintf("%s %dx%d, %s, %s", img.Format, img.Width, img.Height, humanize.IBytes(uint64(max(img.Size, 0))), img.URL)
}

// since is how long ago a time in ms was; 0 is none.
func since(ms int64) string {
	if ms == 0 {
		return age(time.Time{})
	}
	return age(time.UnixMilli(ms))
}

// age is how long ago something was, shortly.
func age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return humanize.Time(t)
}

// isTerminal reports whether w is a screen that people watch.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
