package task_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"revela/imaging"
	"revela/imaging/imagetest"
	"revela/task"
)

// web has one picture.
type web []byte

func (web) Check(task.Source) error { return nil }

func (w web) Fetch(context.Context, task.Source) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(w)), nil
}

// Progress is told to the queue and as events, alike and rising: at each step of
// slow work, but of quick work only its end.
func TestProgress(t *testing.T) {
	t.Parallel()
	picture := imagetest.JPEG(imagetest.Photo(40, 30))
	variants := func(n int) (out []imaging.Variant) {
		for i := range n {
			out = append(out, imaging.Variant{Name: string(rune('a' + i)), Width: 3 + i, Quality: 85})
		}
		return out
	}
	for name, tt := range map[string]struct {
		variants int
		source   task.SourceKind
		pace     time.Duration // between two looks at the clock
		want     []int
	}{
		"quick":       {3, task.Upload, 0, []int{80}},
		"upload":      {3, task.Upload, time.Second, []int{20, 40, 60, 80}},
		"url":         {3, task.URL, time.Second, []int{20, 35, 50, 65, 80}},
		"one variant": {1, task.Upload, time.Second, []int{40, 80}},
		"many":        {20, task.Upload, time.Second, []int{11, 22, 34, 45, 57, 68, 80}},
		"in between":  {20, task.Upload, 3 * time.Millisecond, []int{26, 53, 80}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParts(t)
			p.service.Fetcher = web(picture)
			x, _, err := p.service.Submit(t.Context(), task.Submission{
				Source: task.Source{Kind: tt.source, Name: "https://example.org/a.jpg"}, Body: bytes.NewReader(picture),
			})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			p.processor.Fetcher = web(picture)
			p.processor.Now = func() time.Time { now = now.Add(tt.pace); return now }
			p.processor.Sets = task.Sets{task.DefaultSet: variants(tt.variants)}
			var told, heard []int
			p.processor.Events = onEvent(func(e task.Event) {
				if e.Type == task.EventProgress {
					heard = append(heard, e.Progress)
				}
			})
			a := attemptAt(x)
			a.Progress = func(_ context.Context, percent int) { told = append(told, percent) }
			if err := p.processor.Process(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(told, tt.want) || !slices.Equal(heard, tt.want) {
				t.Errorf("the queue heard %v, the world %v, want %v", told, heard, tt.want)
			}
		})
	}
}
