package redis

import (
	"bytes"
	"strings"
	"sync"

	"go.uber.org/zap"
)

const keptLines = 5

// lineLog writes a server's output to the log at debug level, a line an entry,
// and keeps the last few to explain its end. Any goroutine may use it.
type lineLog struct {
	log *zap.Logger

	mu   sync.Mutex
	part []byte
	kept []string
}

func (l *lineLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, b...)
	for {
		i := bytes.IndexByte(l.part, '\n')
		if i < 0 {
			return len(b), nil
		}
		line := strings.TrimSpace(string(l.part[:i]))
		l.part = l.part[i+1:]
		if line == "" {
			continue
		}
		l.log.Debug(line)
		l.kept = append(l.kept, line)
		l.kept = l.kept[max(0, len(l.kept)-keptLines):]
	}
}

// last is the last few lines in one.
func (l *lineLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.kept, " | ")
}
