package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// load is what came of driving a server for a while.
type load struct {
	requests int
	bytes    int // of bodies
	took     time.Duration
	p50, p99 time.Duration
}

// request is a GET as the driver sends it.
func request(addr, target string, gzip bool) []byte {
	accept := ""
	if gzip {
		accept = "Accept-Encoding: gzip\r\n"
	}
	return []byte("GET " + target + " HTTP/1.1\r\nHost: " + addr + "\r\n" + accept + "\r\n")
}

// drive sends the same request over and over on each of conns connections, the next
// as soon as the last is answered. It shares the machine with the server, so it is
// made to take little: one thread polls all connections, and a request costs it one
// write and one read. With a dearer one, a server of one thread would look better
// beside one that uses all processors.
func drive(ctx context.Context, addr string, request []byte, conns int, d time.Duration) (l load, err error) {
	p, err := connect(ctx, addr, conns)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	answers := make([]answer, conns)
	var delays []time.Duration
	began := time.Now()
	for i := range answers {
		answers[i] = answer{data: make([]byte, 0, 64<<10), asked: began}
		if err := p.write(i, request); err != nil {
			return l, err
		}
	}
	for pending := conns; pending > 0; { // to the end: each request that was sent counts
		ready, err := p.wait()
		if err != nil {
			return l, fmt.Errorf("%.100q: %w", request, err)
		}
		for _, i := range ready {
			a := &answers[i]
			a.data, err = p.read(i, a.data)
			if err != nil {
				return l, fmt.Errorf("%.100q: %w", request, err)
			}
			body, whole, err := a.parse()
			if err != nil {
				return l, fmt.Errorf("%.100q: %w", request, err)
			}
			if !whole {
				continue
			}
			now := time.Now()
			delays, l.bytes = append(delays, now.Sub(a.asked)), l.bytes+body
			a.data, a.asked = a.data[:0], now
			if now.Sub(began) >= d || ctx.Err() != nil {
				pending--
				continue
			}
			if err := p.write(i, request); err != nil {
				return l, err
			}
		}
	}
	l.took, l.requests = time.Since(began), len(delays)
	slices.Sort(delays)
	l.p50, l.p99 = delays[len(delays)/2], delays[len(delays)*99/100]
	return l, ctx.Err()
}

// answer is what has come on a connection since it was asked.
type answer struct {
	data  []byte
	asked time.Time
}

// All servers here spell the fields of an answer like this.
var (
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("\r\nContent-Length: ")
	endOfHead     = []byte("\r\n\r\n")
)

// parse returns the length of the body once the answer is whole. It must be a 200
// with a Content-Length.
func (a *answer) parse() (body int, whole bool, err error) {
	if seen := min(len(a.data), len(statusOK)); !bytes.Equal(a.data[:seen], statusOK[:seen]) {
		return 0, false, fmt.Errorf("answered %.100q", a.data)
	}
	end := bytes.Index(a.data, endOfHead)
	if end < 0 {
		return 0, false, nil
	}
	_, length, ok := bytes.Cut(a.data[:end+2], contentLength)
	if !ok {
		return 0, false, errors.New("an answer without a Content-Length")
	}
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	if body, err = strconv.Atoi(string(length)); err != nil {
		return 0, false, fmt.Errorf("Content-Length: %w", err)
	}
	return body, len(a.data) >= end+len(endOfHead)+body, nil
}
