package api

import (
	"time"

	"revela/task"
)

// wishes are the fields of a submission besides its picture, in a form and in
// JSON alike. What is empty is not asked for.
type wishes struct {
	Variants string `json:"variants"`
	Priority string `json:"priority"`
	Delay    string `json:"delay"`
}

// options returns what w asks for. Its error is a *problem.
func (s *Server) options(w wishes) (task.Options, error) {
	o := task.Options{Variants: w.Variants}
	if _, err := s.cfg.Service.Sets.Find(w.Variants); err != nil {
		return o, explain(err)
	}
	switch task.Priority(w.Priority) {
	case "", task.Normal:
	case task.Urgent:
		o.Urgent = true
	default:
		return o, &problem{code: InvalidBody, detail: `priority must be "normal" or "urgent".`, hint: "Leave priority out for normal."}
	}
	if w.Delay != "" {
		var err error
		if o.Delay, err = time.ParseDuration(w.Delay); err != nil || o.Check() != nil {
			return o, badDelay
		}
	}
	return o, nil
}

var badDelay = &problem{code: InvalidBody,
	detail: `delay must be a duration with its unit, such as "90s" or "10m", from 0 to 720h.`,
	hint:   "Leave delay out to start at once."}
