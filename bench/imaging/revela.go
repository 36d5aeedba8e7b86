package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"revela/bench/rig"
	"revela/imaging"
)

// widths of the variants, the largest first.
var widths = []int{1024, 800}

const quality = 85

// contend is our own contender; see the package's documentation.
func contend(ctx context.Context, who string, args []string, out io.Writer) error {
	if len(args) != 4 {
		return errors.New("a picture, repetitions, workers and a prefix are expected")
	}
	times, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	workers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	e := engine(who)
	var variants []imaging.Variant
	for _, w := range widths {
		variants = append(variants, imaging.Variant{Name: strconv.Itoa(w), Width: w, Quality: quality})
	}
	render := func() ([]imaging.Output, error) {
		made, err := e.Render(ctx, bytes.NewReader(data), variants)
		return made.Images, err
	}
	last, err := render()
	if err != nil {
		return err
	}

	start, cpu := time.Now(), rig.SelfCPU()
	jobs := make(chan struct{}, times)
	for range times {
		jobs <- struct{}{}
	}
	close(jobs)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for range jobs {
				if _, err := render(); err != nil {
					errs[i] = err
				}
			}
		})
	}
	group.Wait()
	cpu, wall := rig.SelfCPU()-cpu, time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, o := range last {
		if err := os.WriteFile(args[3]+o.Name, o.Data, 0o644); err != nil {
			return err
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 / float64(times) }
	return json.NewEncoder(out).Encode(figures{CPU: each(cpu), Wall: each(wall), RSS: peakMB()})
}

func engine(who string) *imaging.Engine {
	cfg := imaging.DefaultConfig()
	cfg.Turbo = who == turbo
	e, err := imaging.New(cfg)
	if err != nil {
		panic(err) // its own defaults are refused
	}
	return e
}
