package api

import (
	"bytes"
	"encoding/json"
	"strings"

	"revela/app/web/content"
	"revela/task"
)

// jsonType is the media type of every answer that is no problem and no picture.
const jsonType = "application/json"

// Bounds in bytes of what is remembered.
const (
	renderedTasks = 8 << 20 // about 4,000 tasks at least
	renderedPages = 8 << 20 // about 150 pages of 10 tasks at least
	overhead      = 512     // of an entry, estimated generously
)

// renderer writes each version of a task as JSON once, for all who read it,
// alone or in a list: the answer to a hot read is bytes that are there already,
// with their tags and, once somebody asked for it, compressed.
//
// What is remembered is only used for the very values it was made from, so it
// can never be out of date: freshness is the cache's business.
type renderer struct {
	tasks *memo[task.ID, renderedTask]
	pages *memo[pageKey, renderedPage]
}

type renderedTask struct {
	stamp stamp
	body  *content.Content
}

// stamp tells the versions of a task apart, and a version from that of the same
// number in a store that was restored from a backup.
type stamp struct {
	id      task.ID
	version int64
	changed int64 // ms since the epoch
}

func stampOf(t *task.Task) stamp { return stamp{t.ID, t.Version, t.UpdatedAt.UnixMilli()} }

// pageKey is where a page stands in which listing; its tasks may change.
type pageKey struct {
	query task.Query
	text  string // of a search
	page  int
}

type renderedPage struct {
	place  Pagination
	stamps []stamp
	body   *content.Content
}

func newRenderer() renderer {
	return renderer{
		tasks: newMemo[task.ID, renderedTask](renderedTasks),
		pages: newMemo[pageKey, renderedPage](renderedPages),
	}
}

// task returns t as JSON.
func (r renderer) task(t *task.Task) (*content.Content, error) {
	now := stampOf(t)
	if had, ok := r.tasks.get(t.ID); ok && had.stamp == now {
		return had.body, nil
	}
	data, err := json.Marshal(show(*t))
	if err != nil {
		return nil, err
	}
	body := content.New(jsonType, data)
	r.tasks.put(t.ID, renderedTask{now, body}, 2*len(data)+overhead)
	return body, nil
}

// list returns a page as JSON, a TaskList. place says where tasks stand.
func (r renderer) list(key pageKey, tasks []task.Task, place Pagination) (*content.Content, error) {
	if had, ok := r.pages.get(key); ok && had.place == place && had.shows(tasks) {
		return had.body, nil
	}
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	stamps := make([]stamp, len(tasks))
	for i := range tasks {
		one, err := r.task(&tasks[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(one.Bytes())
		stamps[i] = stampOf(&tasks[i])
	}
	end, err := json.Marshal(place)
	if err != nil {
		return nil, err
	}
	b.WriteString(`],"pagination":`)
	b.Write(end)
	b.WriteByte('}')
	body := content.New(jsonType, b.Bytes())
	key.text = strings.Clone(key.text) // it may be a part of the request's whole query
	r.pages.put(key, renderedPage{place, stamps, body}, len(key.text)+2*b.Len()+(len(stamps)+1)*overhead)
	return body, nil
}

// shows reports whether p was made from the same tasks.
func (p *renderedPage) shows(tasks []task.Task) bool {
	if len(p.stamps) != len(tasks) {
		return false
	}
	for i := range tasks {
		if p.stamps[i] != stampOf(&tasks[i]) {
			return false
		}
	}
	return true
}
