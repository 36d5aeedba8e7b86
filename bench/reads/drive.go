package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load is what came of driving a server for a while.
type load struct {
	requests int
	bytes    int // of bodies
	took     time.Duration
	p50, p99 time.Duration
}

// drive sends the same GET over and over on each of conns connections, the next
// as soon as the last is answered. It writes and reads HTTP by itself, since the
// driver shares the machine with the server: what it saves, all servers get.
func drive(ctx context.Context, addr, target string, conns int, d time.Duration) (load, error) {
	request := []byte("GET " + target + " HTTP/1.1\r\nHost: " + addr + "\r\n\r\n")
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		sum    load
		delays []time.Duration
		first  error
	)
	began := time.Now()
	for range conns {
		wg.Go(func() {
			own, n, err := hammer(ctx, addr, request)
			mu.Lock()
			defer mu.Unlock()
			delays, sum.bytes = append(delays, own...), sum.bytes+n
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	sum.took, sum.requests = time.Since(began), len(delays)
	if first != nil || sum.requests == 0 {
		return sum, fmt.Errorf("GET %s: %d answers: %w", target, sum.requests, first)
	}
	slices.Sort(delays)
	sum.p50, sum.p99 = delays[len(delays)/2], delays[len(delays)*99/100]
	return sum, nil
}

// hammer is one connection of drive.
func hammer(ctx context.Context, addr string, request []byte) (delays []time.Duration, bodies int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, 0, err
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	for last := time.Now(); ctx.Err() == nil; {
		if _, err := conn.Write(request); err != nil {
			return delays, bodies, err
		}
		n, err := skipAnswer(r)
		if err != nil {
			return delays, bodies, err
		}
		now := time.Now()
		delays, bodies, last = append(delays, now.Sub(last)), bodies+n, now
	}
	return delays, bodies, nil
}

var (
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("content-length:")
)

// skipAnswer reads one answer, which must be a 200 with a Content-Length, and
// returns the length of its body.
func skipAnswer(r *bufio.Reader) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(line, statusOK) {
		return 0, fmt.Errorf("answered %q", bytes.TrimSpace(line))
	}
	length := -1
	for len(bytes.TrimSpace(line)) > 0 {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without a Content-Length")
	}
	_, err = r.Discard(length)
	return length, err
}
