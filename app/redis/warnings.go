package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// Warnings names settings of an external server that endanger the queue, each
// with how to mend it. What the server does not let us ask is passed over, and
// so is the embedded server, which we set up ourselves.
func (c *Conn) Warnings(ctx context.Context) []string {
	all, _ := c.warnings(ctx)
	return all
}

// warnings is Warnings, with an error if a node gave no answer.
func (c *Conn) warnings(ctx context.Context) (all []string, err error) {
	if c.embedded != nil {
		return nil, nil
	}
	nodes := c.client.Nodes()
	for _, addr := range slices.Sorted(maps.Keys(nodes)) {
		info := map[string]string{}
		for _, section := range []string{"memory", "persistence", "replication"} {
			err = errors.Join(err, readInfo(ctx, nodes[addr], section, info))
		}
		// The nodes of a cluster keep replicas among them, which refuse writes
		// rightly; a single one that does is the wrong server.
		replica := info["role"] == "slave"
		if replica && !c.Cluster() {
			all = append(all, fmt.Sprintf("redis %s is a replica and refuses writes: name its primary, or use a redis-sentinel:// URL", addr))
		}
		all = append(all, settingWarnings(addr, info)...)
	}
	return all, err
}

func settingWarnings(addr string, info map[string]string) []string {
	var w []string
	if p := info["maxmemory_policy"]; p != "" && p != "noeviction" {
		w = append(w, fmt.Sprintf("redis %s has maxmemory-policy %s: when its memory is full it may delete the whole queue without a sound; "+
			"run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf", addr, p))
	}
	used, _ := strconv.ParseInt(info["used_memory"], 10, 64)
	if limit, _ := strconv.ParseInt(info["maxmemory"], 10, 64); limit > 0 && used >= limit && info["maxmemory_policy"] == "noeviction" {
		w = append(w, fmt.Sprintf("redis %s is at its maxmemory of %s and takes no new job until others have ended; "+
			"run CONFIG SET maxmemory with more, and set it in redis.conf", addr, info["maxmemory_human"]))
	}
	if info["aof_enabled"] == "0" {
		w = append(w, fmt.Sprintf("redis %s keeps no append-only file: after a crash it forgets jobs, which are then queued again from the task records; "+
			"run CONFIG SET appendonly yes, and set it in redis.conf", addr))
	}
	return w
}

// readInfo adds a section's fields to into, none if the server refuses to tell.
func readInfo(ctx context.Context, node rueidis.Client, section string, into map[string]string) error {
	text, err := node.Do(ctx, node.B().Info().Section(section).Build()).ToString()
	if refused, ok := rueidis.IsRedisErr(err); ok && !refused.IsLoading() {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			into[name] = value
		}
	}
	return nil
}
