package task

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"

	"revela/imaging"
)

// originals is where the original of a task lives.
func originals(id ID) string { return path.Join("storage/images", string(id)) }

// store writes a picture's bytes to its place, having checked that they are a
// picture within the limits. An original that is there already stays, and is
// what store returns.
func store(ctx context.Context, files Files, images *imaging.Engine, id ID, body io.Reader, maxBytes int64) (Original, error) {
	staged, err := files.Stage(ctx, originals(id))
	if err != nil {
		return Original{}, fmt.Errorf("stage the original: %w", err)
	}
	defer staged.Discard()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(staged, sum), io.LimitReader(body, maxBytes+1))
	switch {
	case err != nil:
		return Original{}, fmt.Errorf("receive the picture: %w", err)
	case n > maxBytes:
		return Original{}, fmt.Errorf("%w: at most %d bytes", ErrFileTooLarge, maxBytes)
	case n == 0:
		return Original{}, ErrEmpty
	}
	o, err := describe(images, id, io.NewSectionReader(staged, 0, n), sum)
	if err != nil {
		return Original{}, err
	}
	err = staged.Commit(o.Path)
	if errors.Is(err, fs.ErrExist) {
		return existing(ctx, files, images, id, o.Path)
	}
	if err != nil {
		return Original{}, fmt.Errorf("store the original: %w", err)
	}
	return o, nil
}

// existing describes the original that is at name already.
func existing(ctx context.Context, files Files, images *imaging.Engine, id ID, name string) (Original, error) {
	f, err := files.Open(ctx, name)
	if err != nil {
		return Original{}, fmt.Errorf("open the original: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return Original{}, fmt.Errorf("read the original: %w", err)
	}
	return describe(images, id, io.NewSectionReader(f, 0, f.Size()), sum)
}

// describe says what the record is to say of a picture whose bytes sum has seen.
func describe(images *imaging.Engine, id ID, picture *io.SectionReader, sum hash.Hash) (Original, error) {
	info, err := images.Probe(picture)
	if err != nil {
		return Original{}, err
	}
	return Original{
		Path:   path.Join(originals(id), "original."+info.Format.Ext()),
		Format: string(info.Format), Width: info.Width, Height: info.Height,
		Size: picture.Size(), SHA256: hex.EncodeToString(sum.Sum(nil)), Frames: info.Frames,
	}, nil
}
