package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// The rhythm of audits. One costs a walk over all keys of the database and all
// waiting ids, in small steps.
const (
	auditEvery = 10 * time.Minute
	auditPage  = 500
)

// auditor is the loop that looks for jobs that no list holds, until ctx ends.
// No step of the queue leaves such jobs: they come from outside, as when
// somebody deletes a list. One pool of all of them does it, and none where
// Redis does not allow its user SCAN.
func (p *Pool) auditor(ctx context.Context) {
	for sleep(ctx, auditEvery) {
		mine, err := p.q.client.Do(ctx, p.q.client.B().Set().Key(p.q.keys.audit).Value(p.id).Nx().
			Px(auditEvery-auditEvery/10).Build()).ToString()
		if rueidis.IsRedisNil(err) {
			continue
		}
		if err == nil && mine == "OK" {
			err = p.audit(ctx)
		}
		if e, ok := rueidis.IsRedisErr(errors.Unwrap(err)); ok && strings.HasPrefix(e.Error(), "NOPERM") {
			return
		}
		if err != nil {
			p.report("audit", err)
		}
	}
}

// audit restores the jobs that no list holds.
func (p *Pool) audit(ctx context.Context) error {
	held, err := p.q.Held(ctx, true)
	if err != nil {
		return err
	}
	for addr, node := range p.q.client.Nodes() {
		for cursor := uint64(0); ; {
			page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(escapeGlob(p.q.keys.prefix)+"*").
				Count(auditPage).Type("hash").Build()).AsScanEntry()
			if err != nil {
				return fmt.Errorf("queue: scan %s: %w", addr, err)
			}
			if err := p.adopt(ctx, held, page.Elements); err != nil {
				return err
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
	}
	return nil
}

// adopt restores those of the jobs with the given keys that held lacks. Hashes whose
// names are no job's are the queue's own, or somebody else's.
func (p *Pool) adopt(ctx context.Context, held *Held, keys []string) error {
	var ids []string
	for _, key := range keys {
		id := strings.TrimPrefix(key, p.q.keys.prefix)
		if CheckID(id) == nil && !held.Has(id) {
			ids = append(ids, id)
		}
	}
	n, err := p.q.Restore(ctx, ids...)
	p.hooks.repaired(Orphan, n)
	return err
}

// escapeGlob makes s match only itself.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
