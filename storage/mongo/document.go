package mongo

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"revela/task"
)

// document is a task as it is stored. What is not set is left out; in
// idempotencyKey that is what lets its unique index hold many tasks without one.
type document struct {
	ID             bson.ObjectID `bson:"_id"`
	Version        int64         `bson:"version"`
	Status         task.Status   `bson:"status"`
	Source         source        `bson:"source"`
	OriginalPath   string        `bson:"originalPath,omitempty"`
	Original       *original     `bson:"original,omitempty"`
	Variants       string        `bson:"variants,omitempty"`
	Urgent         bool          `bson:"urgent,omitempty"`
	Images         []image       `bson:"images"` // [] where there are none
	Error          string        `bson:"error,omitempty"`
	Attempts       int           `bson:"attempts"`
	Stalls         int           `bson:"stalls"`
	IdempotencyKey string        `bson:"idempotencyKey,omitempty"`
	Fingerprint    string        `bson:"fingerprint,omitempty"`
	Token          string        `bson:"token,omitempty"`
	NotBefore      time.Time     `bson:"notBefore,omitempty"`
	StartedAt      time.Time     `bson:"startedAt,omitempty"`
	FinishedAt     time.Time     `bson:"finishedAt,omitempty"`
	CreatedAt      time.Time     `bson:"createdAt"`
	UpdatedAt      time.Time     `bson:"updatedAt"`
}

type source struct {
	Kind task.SourceKind `bson:"kind"`
	Name string          `bson:"name"`
}

// original is what is known of the original besides its path.
type original struct {
	Format    string `bson:"format"`
	Width     int    `bson:"width"`
	Height    int    `bson:"height"`
	Size      int64  `bson:"size"`
	SHA256    string `bson:"sha256"`
	Frames    int    `bson:"frames,omitempty"`
	ThumbHash string `bson:"thumbhash,omitempty"`
}

type image struct {
	Resolution string `bson:"resolution"`
	Path       string `bson:"path"`
	Format     string `bson:"format"`
	Width      int    `bson:"width"`
	Height     int    `bson:"height"`
	Size       int64  `bson:"size"`
	MD5        string `bson:"md5"`
}

// toDocument translates a task in canonical form.
func toDocument(t task.Task) (document, error) {
	id, err := bson.ObjectIDFromHex(string(t.ID))
	if err != nil {
		return document{}, fmt.Errorf("task %q: %w", t.ID, task.ErrInvalidID)
	}
	d := document{
		ID: id, Version: t.Version, Status: t.Status,
		Source:       source(t.Source),
		OriginalPath: t.Original.Path,
		Variants:     t.Variants, Urgent: t.Urgent,
		Images: make([]image, len(t.Images)),
		Error:  t.Error, Attempts: t.Attempts, Stalls: t.Stalls,
		IdempotencyKey: t.IdempotencyKey, Fingerprint: t.Fingerprint, Token: t.Token,
		NotBefore: t.NotBefore, StartedAt: t.StartedAt, FinishedAt: t.FinishedAt,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
	o := original{
		t.Original.Format, t.Original.Width, t.Original.Height, t.Original.Size, t.Original.SHA256,
		t.Original.Frames, t.Original.ThumbHash,
	}
	if o != (original{}) {
		d.Original = &o
	}
	for i, img := range t.Images {
		d.Images[i] = image(img)
	}
	return d, nil
}

func (d document) task() task.Task {
	t := task.Task{
		ID: task.ID(d.ID.Hex()), Version: d.Version, Status: d.Status,
		Source:   task.Source(d.Source),
		Original: task.Original{Path: d.OriginalPath},
		Variants: d.Variants, Urgent: d.Urgent, Error: d.Error, Attempts: d.Attempts, Stalls: d.Stalls,
		IdempotencyKey: d.IdempotencyKey, Fingerprint: d.Fingerprint, Token: d.Token,
		NotBefore: instant(d.NotBefore), StartedAt: instant(d.StartedAt), FinishedAt: instant(d.FinishedAt),
		CreatedAt: instant(d.CreatedAt), UpdatedAt: instant(d.UpdatedAt),
	}
	if o := d.Original; o != nil {
		t.Original = task.Original{
			Path: d.OriginalPath, Format: o.Format, Width: o.Width, Height: o.Height, Size: o.Size, SHA256: o.SHA256,
			Frames: o.Frames, ThumbHash: o.ThumbHash,
		}
	}
	for _, img := range d.Images {
		t.Images = append(t.Images, task.Image(img))
	}
	return t
}

// instant is at in UTC; the zero time stays zero.
func instant(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC()
}
