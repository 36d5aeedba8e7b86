package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"revela/bench/report"
	"revela/bench/rig"
)

// peer is a contender as the run sees it: a program that is started for each turn.
type peer struct {
	who     string
	command []string
	turns   []turn
}

// turn is what one process of a peer does on an empty server.
type turn struct {
	kind   string   // which of the flags' numbers of jobs is meant, and -only
	phases []string // of the contender
}

// The turns of all, and what only some can do.
var (
	oneByOne = turn{"throughput", []string{"add", "process"}}
	inBulk   = turn{"throughput", []string{"add-bulk"}}
	lone     = turn{"latency", []string{"latency"}}
	fill     = turn{"memory", []string{"fill"}}
	grow     = turn{"growth", []string{"growth"}}
)

// peers returns those that were asked for and can be had. Ours is the first.
func (b *bench) peers(ctx context.Context) ([]peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all := []peer{{"revela", []string{self, selfArg}, []turn{oneByOne, inBulk, lone, fill, grow}}}
	for _, who := range b.others {
		p, err := b.install(ctx, who)
		if err != nil {
			b.report.Note("%s is left out: %v", who, err)
			continue
		}
		all = append(all, p)
	}
	return all, nil
}

// install makes a peer ready. Its error is the reason why it is left out.
func (b *bench) install(ctx context.Context, who string) (peer, error) {
	dir, err := filepath.Abs(filepath.Join(b.dir, who))
	if err != nil {
		return peer{}, err
	}
	switch who {
	case "bullmq":
		return peer{who, []string{"node", filepath.Join(dir, "bench.mjs")}, []turn{oneByOne, inBulk, lone, fill}}, rig.NPM(ctx, dir)
	case "asynq":
		if _, err := exec.LookPath("go"); err != nil {
			return peer{}, fmt.Errorf("go is not on the PATH")
		}
		bin := filepath.Join(b.temp, who)
		return peer{who, []string{bin}, []turn{oneByOne, fill}}, rig.Command(ctx, dir, "go", "build", "-o", bin, ".")
	}
	return peer{}, fmt.Errorf("nobody knows it")
}

// run does a turn with n jobs on the empty server and hands on what it measured.
func (p peer) run(ctx context.Context, addr string, t turn, n, concurrency int, line func(phase string, m report.Metrics)) error {
	cmd := exec.CommandContext(ctx, p.command[0], append(p.command[1:], addr,
		strings.Join(t.phases, ","), strconv.Itoa(n), strconv.Itoa(concurrency))...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %s: %w\n%s", p.who, strings.Join(t.phases, ", "), err, &problems)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var head struct {
			Phase string `json:"phase"`
		}
		var m map[string]any
		for _, v := range []any{&head, &m} {
			if err := json.Unmarshal(lines.Bytes(), v); err != nil {
				return fmt.Errorf("%s: %q: %w", p.who, lines.Text(), err)
			}
		}
		figures := report.Metrics{}
		for name, v := range m {
			if f, ok := v.(float64); ok {
				figures[name] = f
			}
		}
		line(head.Phase, figures)
	}
	return nil
}

func (p peer) does(t turn) bool {
	return slices.ContainsFunc(p.turns, func(own turn) bool { return slices.Equal(own.phases, t.phases) })
}
