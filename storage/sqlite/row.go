package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"revela/task"
)

// columns are those of a task in the order of values and scan, the id first.
var columns = []string{
	"id", "version", "status", "source_kind", "source_name",
	"original_path", "original_format", "original_width", "original_height", "original_size", "original_sha256",
	"original_frames", "original_thumbhash", "variants", "urgent",
	"images", "error", "attempts", "stalls", "idempotency_key", "fingerprint", "token",
	"not_before", "started_at", "finished_at", "created_at", "updated_at",
}

// image is how a variant is written in the column images.
type image struct {
	Resolution string `json:"resolution"`
	Path       string `json:"path"`
	Format     string `json:"format"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Size       int64  `json:"size"`
	MD5        string `json:"md5"`
}

// values are t's columns.
func values(t task.Task) ([]any, error) {
	images := make([]image, len(t.Images))
	for i, img := range t.Images {
		images[i] = image(img)
	}
	text, err := json.Marshal(images)
	if err != nil {
		return nil, fmt.Errorf("encode the images: %w", err)
	}
	return []any{
		string(t.ID), t.Version, string(t.Status), string(t.Source.Kind), t.Source.Name,
		t.Original.Path, t.Original.Format, t.Original.Width, t.Original.Height, t.Original.Size, t.Original.SHA256,
		t.Original.Frames, t.Original.ThumbHash, t.Variants, t.Urgent,
		string(text), t.Error, t.Attempts, t.Stalls,
		sql.NullString{String: t.IdempotencyKey, Valid: t.IdempotencyKey != ""}, t.Fingerprint, t.Token,
		optional(t.NotBefore), optional(t.StartedAt), optional(t.FinishedAt), t.CreatedAt.UnixMilli(), t.UpdatedAt.UnixMilli(),
	}, nil
}

// scan reads one row of columns.
func scan(row interface{ Scan(...any) error }) (task.Task, error) {
	var (
		t                  task.Task
		images             []byte
		key                sql.NullString
		notBefore          sql.NullInt64
		started, finished  sql.NullInt64
		createdAt, updated int64
	)
	err := row.Scan(
		&t.ID, &t.Version, &t.Status, &t.Source.Kind, &t.Source.Name,
		&t.Original.Path, &t.Original.Format, &t.Original.Width, &t.Original.Height, &t.Original.Size, &t.Original.SHA256,
		&t.Original.Frames, &t.Original.ThumbHash, &t.Variants, &t.Urgent,
		&images, &t.Error, &t.Attempts, &t.Stalls, &key, &t.Fingerprint, &t.Token,
		&notBefore, &started, &finished, &createdAt, &updated,
	)
	if err != nil {
		return task.Task{}, err
	}
	var list []image
	if err := json.Unmarshal(images, &list); err != nil {
		return task.Task{}, fmt.Errorf("decode the images of task %s: %w", t.ID, err)
	}
	for _, img := range list {
		t.Images = append(t.Images, task.Image(img))
	}
	t.IdempotencyKey = key.String
	t.NotBefore = instant(notBefore)
	t.StartedAt, t.FinishedAt = instant(started), instant(finished)
	t.CreatedAt, t.UpdatedAt = time.UnixMilli(createdAt).UTC(), time.UnixMilli(updated).UTC()
	return t, nil
}

func optional(at time.Time) sql.NullInt64 {
	if at.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: at.UnixMilli(), Valid: true}
}

func instant(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
