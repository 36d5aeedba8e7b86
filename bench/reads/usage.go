package main

import (
	"bufio"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"revela/bench/rig"
)

// usage is what a server has used since its start.
type usage struct {
	cpu            time.Duration // 0 where the system does not tell
	objects, bytes float64       // allocated on Go's heap; 0 where the server is not Go
}

func (u usage) since(before usage) usage {
	return usage{u.cpu - before.cpu, u.objects - before.objects, u.bytes - before.bytes}
}

// usageOf asks the kernel and, if the server has one, its /metrics.
func usageOf(s *server, metrics bool) (u usage, err error) {
	p, err := rig.ReadProc(s.pid())
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return u, err
	}
	u.cpu = p.CPU
	if !metrics {
		return u, nil
	}
	resp, err := http.Get("http://" + s.addr + "/metrics")
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_memstats_mallocs_total":
			u.objects, err = strconv.ParseFloat(value, 64)
		case "go_memstats_alloc_bytes_total":
			u.bytes, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return u, err
		}
	}
	return u, lines.Err()
}
