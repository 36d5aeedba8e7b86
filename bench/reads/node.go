package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"revela/bench/rig"
)

// errLeftOut says why a peer does not take part.
var errLeftOut = errors.New("left out")

// nodeStack installs and starts the Node stack, on a Redis of its own, since
// its keys are named like ours.
func (s *stage) nodeStack(ctx context.Context, o options) (peer, error) {
	if o.node == "" {
		return peer{}, fmt.Errorf("stack-node: %w: nobody named its directory", errLeftOut)
	}
	if err := rig.NPM(ctx, o.node); err != nil {
		return peer{}, fmt.Errorf("stack-node: %w: %w", errLeftOut, err)
	}
	redis, err := rig.StartRedis()
	if err != nil {
		return peer{}, err
	}
	s.cleanups = append(s.cleanups, redis.Close)
	srv, err := s.serve(ctx, "stack-node", "/api/v1/queue/stats", func(port string) *exec.Cmd {
		cmd := exec.Command("node", "server.mjs", "--redis", redis.Addr, "--dir", filepath.Join(s.dir, "node"),
			"--port", port, "--workers", "1", "--seed", strconv.Itoa(o.tasks))
		cmd.Dir = o.node
		return cmd
	})
	if err != nil {
		return peer{}, err
	}
	newest := fmt.Sprintf("%024x", o.tasks) // they are counted from 1
	return peer{"stack-node", srv, targets(newest), false}, nil
}
