package app

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// seldom warns of what goes wrong many times a second while something is away:
// at once, and then in one line for all that a while brings.
type seldom struct {
	log  *zap.Logger
	text string
	each time.Duration // the while

	mu   sync.Mutex
	next time.Time // no line before
	held int       // since the last line
}

func (s *seldom) warn(fields ...zap.Field) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		s.held++
		return
	}
	if s.held > 0 {
		fields = append(fields, zap.Int("repeated", s.held))
	}
	s.next, s.held = now.Add(s.each), 0
	s.log.Warn(s.text, fields...)
}
