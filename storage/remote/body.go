package remote

import (
	"context"
	"errors"
	"io"
)

// body is a source being read, bounded in bytes. More bytes than allowed are an
// error and not an end: half a picture must not pass for a whole one.
type body struct {
	io.ReadCloser
	ctx   context.Context // the caller's, without our own deadline
	end   context.CancelFunc
	left  int64 // bytes until the limit
	limit int64
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed, to see that there is more
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, tooLarge(b.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = failure(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
