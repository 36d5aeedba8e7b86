package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// Check asks Redis whether its user may do all that the queue does. If not, the
// error is ErrForbidden and names every right that is missing. Before Redis 7
// only the right to run scripts is looked at.
func (q *Queue) Check(ctx context.Context) error {
	commands := q.keys.commands()
	var args []string
	for _, words := range commands {
		args = append(args, strconv.Itoa(len(words)))
		args = append(args, words...)
	}
	refused, err := q.scripts.access.Exec(ctx, q.client, nil, args).AsIntSlice()
	if e, ok := rueidis.IsRedisErr(err); ok && strings.Contains(e.Error(), "NOPERM") {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	if err != nil {
		return fmt.Errorf("queue: ask for rights: %w", err)
	}
	if len(refused) == 0 {
		return nil
	}
	missing := make([]string, len(refused))
	for i, n := range refused {
		words := commands[n-1]
		missing[i] = words[0]
		if len(words) > 1 {
			missing[i] += " " + words[1]
		}
	}
	return fmt.Errorf("%w: %s", ErrForbidden, strings.Join(missing, ", "))
}

// commands is every command that the queue needs, and among them every key and
// channel; none of them is to be carried out. The audit's SCAN is not among them:
// it would show a user of few rights all keys of the database.
func (k keys) commands() [][]string {
	job := k.job("0")
	return [][]string{
		{"LPUSH", k.waiting, "0"}, {"RPUSH", k.waiting, "0"}, {"RPOP", k.waiting}, {"RPOP", k.urgent}, {"RPOP", k.solo},
		{"LLEN", k.waiting}, {"LPOS", k.waiting, "0"}, {"LRANGE", k.waiting, "0", "0"}, {"PERSIST", k.waiting},
		{"BLMOVE", k.waiting, k.active, "RIGHT", "LEFT", "1"}, {"LREM", k.active, "0", "0"},
		{"ZADD", k.delayed, "0", "0"}, {"ZADD", k.leases, "0", "0"}, {"ZADD", k.completed, "0", "0"}, {"ZADD", k.failed, "0", "0"},
		{"ZREM", k.delayed, "0"}, {"ZRANGE", k.delayed, "0", "0"}, {"ZRANGEBYSCORE", k.leases, "0", "0"},
		{"ZSCORE", k.leases, "0"}, {"ZMSCORE", k.failed, "0"}, {"ZCARD", k.failed},
		{"HSET", k.owners, "0", "0"}, {"HGET", k.owners, "0"}, {"HDEL", k.owners, "0"}, {"HEXISTS", k.owners, "0"},
		{"HINCRBY", k.meta, "0", "1"}, {"HSETNX", k.meta, "0", "0"}, {"HMGET", k.meta, "0"},
		{"HGETALL", job}, {"EXISTS", job}, {"TYPE", job}, {"UNLINK", job},
		{"INCRBY", k.id, "1"}, {"SET", k.audit, "0"}, {"XADD", k.events, "*", "0", "0"},
		{"SUBSCRIBE", k.control}, {"PUBLISH", k.control, "0"},
		{"EVAL", "return 0", "0"}, {"EVALSHA", "0", "0"}, {"TIME"}, {"PING"},
	}
}
