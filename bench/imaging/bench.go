package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"revela/bench/report"
	"revela/bench/rig"
)

// Whom there is to measure.
const (
	pure  = "revela"
	turbo = "revela-turbo"
	sharp = "sharp"
)

var everybody = []string{pure, turbo, sharp}

type bench struct {
	report          *report.Report
	rounds, workers int
	work            int // megapixels
	dir, cache      string
	who, formats    []string
	sizes           []float64 // megapixels
}

// figures is what a contender prints.
type figures struct {
	CPU  float64 `json:"cpu_ms"`
	Wall float64 `json:"wall_ms"`
	RSS  float64 `json:"rss_mb"`
}

func (b *bench) run(ctx context.Context) error {
	scratch, err := os.MkdirTemp("", "bench-imaging-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if b.cache == "" {
		b.cache = scratch
	} else if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	contenders, err := b.contenders(ctx)
	if err != nil {
		return err
	}
	for _, format := range b.formats {
		for _, mp := range b.sizes {
			if mp > 12 && strings.HasSuffix(format, "-alpha") {
				continue // what is that large is a photograph
			}
			if err := b.phase(ctx, format, mp, contenders, scratch); err != nil {
				return err
			}
		}
	}
	b.report.Table()
	return nil
}

// contenders are the commands of those that are to be measured and can be.
func (b *bench) contenders(ctx context.Context) (map[string][]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, who := range b.who {
		switch who {
		case pure:
			out[who] = []string{self, who}
		case turbo:
			if name := engine(turbo).Codec(); name == "go" {
				b.report.Note("%s is left out: libjpeg-turbo is not installed", who)
			} else {
				b.report.Note("%s uses %s", who, name)
				out[who] = []string{self, who}
			}
		case sharp:
			dir := filepath.Join(b.dir, "sharp")
			if err := rig.NPM(ctx, dir); err != nil {
				b.report.Note("%s is left out: %v", who, err)
			} else {
				out[who] = []string{"node", filepath.Join(dir, "bench.mjs")}
			}
		default:
			return nil, fmt.Errorf("nobody is called %q; there are %v", who, everybody)
		}
	}
	return out, nil
}

// phase measures everybody in turns on one picture.
func (b *bench) phase(ctx context.Context, format string, mp float64, contenders map[string][]string, scratch string) error {
	p, err := makePicture(b.cache, format, mp)
	if err != nil {
		return err
	}
	b.report.Note("%s, %d x %d pixels, %.1f MB", p.name, p.w, p.h, float64(p.bytes)/1e6)
	times := min(max(2, int(float64(b.work)/mp)), 100)
	for range b.rounds {
		for _, who := range b.who {
			command, ok := contenders[who]
			if !ok {
				continue
			}
			prefix := filepath.Join(scratch, "out-"+who+"-")
			args := append(slices.Clone(command[1:]), p.path, strconv.Itoa(times), strconv.Itoa(b.workers), prefix)
			f, err := measure(ctx, command[0], args...)
			if err != nil {
				return fmt.Errorf("%s: %w", who, err)
			}
			m, err := p.judge(prefix)
			if err != nil {
				return fmt.Errorf("%s: %w", who, err)
			}
			m["cpu_ms"], m["wall_ms"], m["rss_mb"] = f.CPU, f.Wall, f.RSS
			b.report.Add(p.name, who, m)
		}
	}
	return nil
}

func measure(ctx context.Context, name string, args ...string) (f figures, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	if err := json.Unmarshal(out, &f); err != nil || f.CPU <= 0 || f.RSS <= 0 {
		return f, errors.New("it printed no figures: " + string(out))
	}
	return f, nil
}

// judge reads the variants that a contender left.
func (p *picture) judge(prefix string) (report.Metrics, error) {
	var bytes int
	var best image.Image
	for _, width := range widths {
		data, err := os.ReadFile(prefix + strconv.Itoa(width))
		if err != nil {
			return nil, err
		}
		bytes += len(data)
		if best == nil {
			if best, err = decode(data); err != nil {
				return nil, err
			}
		}
	}
	got, want := luma(best), p.reference()
	if got.w != want.w || got.h != want.h {
		return nil, fmt.Errorf("a variant has %d x %d pixels, want %d x %d", got.w, got.h, want.w, want.h)
	}
	psnr, ssim := compare(got, want)
	return report.Metrics{"out_kb": float64(bytes) / 1e3, "psnr_db": math.Min(psnr, 99), "ssim": ssim}, nil
}
