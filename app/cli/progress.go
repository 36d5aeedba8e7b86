package cli

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far a submission is. The zero value shows nothing. Its
// methods may be called by any goroutine until end.
type progress struct {
	all *mpb.Progress
	bar *mpb.Bar
}

// newProgress shows a bar, for a number of pictures.
func newProgress(w io.Writer, pictures int) *progress {
	p := &progress{all: mpb.New(mpb.WithOutput(w), mpb.WithWidth(48))}
	// Each picture counts twice: once sent, once done.
	p.bar = p.all.AddBar(int64(2*pictures),
		mpb.PrependDecorators(decor.Name("pictures "), decor.Percentage(decor.WC{W: 5})),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: 6})),
		mpb.BarRemoveOnComplete(),
	)
	return p
}

// sent counts a picture that was handed over; one that was refused is done with
// it.
func (p *progress) sent(accepted bool) {
	if p.bar == nil {
		return
	}
	p.bar.Increment()
	if !accepted {
		p.bar.Increment()
	}
}

// finished counts a picture that will not change any more.
func (p *progress) finished() {
	if p.bar != nil {
		p.bar.Increment()
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.all.Wait()
	}
}
