package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
	"revela/task"
)

// freshTimeout is when a change that nobody sees ends the benchmark.
const freshTimeout = 10 * time.Second

// freshness cancels tasks at one process and looks for each at another that has
// read it before. Both share store and Redis. Time counts from the answer of the
// one to the end of the first read of the other that shows the change, so it
// includes that read.
func freshness(ctx context.Context, s *stage, r *report.Report, ids []task.ID) error {
	a, err := s.serve(ctx, "fresh-a", "/readyz", s.appServer(""))
	if err != nil {
		return err
	}
	b, err := s.serve(ctx, "fresh-b", "/readyz", s.appServer(""))
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: freshTimeout}
	defer client.CloseIdleConnections()
	here, there := reader{client, a.addr}, reader{client, b.addr}
	late := map[string][]time.Duration{}
	wrong := map[string]float64{}
	for i, id := range ids {
		// Everybody has a copy of what is about to change.
		for _, at := range []reader{here, there, there} {
			if _, err := at.sees(ctx, id, i); err != nil {
				return err
			}
		}
		if err := here.cancel(ctx, id); err != nil {
			return err
		}
		answered := time.Now()
		own, err := here.sees(ctx, id, i+1)
		if err != nil {
			return err
		}
		for what, seen := range own {
			if !seen {
				wrong[what]++
			}
		}
		for missing := len(own); missing > 0; {
			seen, err := there.sees(ctx, id, i+1)
			if err != nil {
				return err
			}
			missing = 0
			for what, ok := range seen {
				switch known := len(late[what]) > i; {
				case ok && !known:
					late[what] = append(late[what], time.Since(answered))
				case !ok:
					missing++
				}
			}
			if time.Since(answered) > freshTimeout {
				return fmt.Errorf("task %s is still stale after %s", id, freshTimeout)
			}
		}
	}
	for _, what := range []string{"task", "list"} {
		slices.Sort(late[what])
		n := len(late[what])
		r.Add("fresh-"+what, "revela", report.Metrics{
			"changes": float64(n), "p50_ms": rig.Millis(late[what][n/2]), "p99_ms": rig.Millis(late[what][n*99/100]),
			"max_ms": rig.Millis(late[what][n-1]), "own_write_unseen": wrong[what],
		})
	}
	return nil
}

// reader reads at one process.
type reader struct {
	client *http.Client
	addr   string
}

// sees reports whether a task is shown as cancelled, and whether the total of
// the cancelled tasks and the first page of them show so many.
func (at reader) sees(ctx context.Context, id task.ID, cancelled int) (map[string]bool, error) {
	var one struct{ Status task.Status }
	if err := at.get(ctx, "/api/v1/tasks/"+string(id), &one); err != nil {
		return nil, err
	}
	var page struct {
		Data       []struct{ TaskID task.ID }
		Pagination struct{ Total int }
	}
	if err := at.get(ctx, "/api/v1/tasks?status=cancelled&limit=10", &page); err != nil {
		return nil, err
	}
	listed := page.Pagination.Total == cancelled && len(page.Data) == min(cancelled, 10) && cancelled > 0
	return map[string]bool{"task": one.Status == task.Cancelled, "list": listed}, nil
}

func (at reader) get(ctx context.Context, target string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.addr+target, nil)
	if err != nil {
		return err
	}
	resp, err := at.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(target + " answered " + resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (at reader) cancel(ctx context.Context, id task.ID) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.addr+"/api/v1/tasks/"+string(id)+"/cancel", nil)
	if err != nil {
		return err
	}
	resp, err := at.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("cancel %s: %s", id, resp.Status)
	}
	return nil
}
