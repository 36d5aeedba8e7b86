package queue

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"fmt"

	"github.com/redis/rueidis"
)

//go:embed lua
var sources embed.FS

// script is one of the queue's Lua scripts.
type script struct {
	*rueidis.Lua
	sha1 string
}

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{rueidis.NewLuaScript(text), hex.EncodeToString(sum[:])}
}

// execAfter runs a script and, in front of it in the same exchange, reads. It has a
// connection to itself for that long: what others ask is not behind so much, and the
// answer is read by the goroutine that waits for it.
func (s script) execAfter(ctx context.Context, c rueidis.Client, reads rueidis.Commands, keys, args []string) ([]rueidis.RedisResult, rueidis.RedisResult) {
	run := c.B().Evalsha().Sha1(s.sha1).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
	var results []rueidis.RedisResult
	_ = c.Dedicated(func(d rueidis.DedicatedClient) error {
		results = d.DoMulti(ctx, append(reads, run)...)
		return nil
	})
	last := len(results) - 1
	if e, ok := rueidis.IsRedisErr(results[last].Error()); ok && e.IsNoScript() {
		return results[:last], s.Exec(ctx, c, keys, args)
	}
	return results[:last], results[last]
}

// scripts are the queue's Lua scripts; each file of lua/ says what it does.
type scripts struct {
	add, turn, renew, fail, retry, release,
	due, promote, sweep, recover, requeue, restore, remove, compact, pause, stats, progress, access script
}

func loadScripts() scripts {
	load := func(name string) script { return newScript(scriptText(name)) }
	return scripts{
		add: load("add"), turn: load("turn"), renew: load("renew"),
		fail: load("fail"), retry: load("retry"), release: load("release"),
		due: load("due"), promote: load("promote"), sweep: load("sweep"),
		recover: load("recover"), requeue: load("requeue"), restore: load("restore"),
		remove: load("remove"), pause: load("pause"), stats: load("stats"), progress: load("progress"),
		access: load("access"), compact: load("compact"),
	}
}

// goesOn stands before every script that changes what is there. Redis refuses to let a script grow
// its memory past maxmemory, unless the script has written before: then it may
// finish, since it could not be undone. PERSIST is a write that is never refused
// and that changes nothing here, for no key of a queue expires. So work under way
// ends, and by ending frees memory, while producers are told that there is none.
// "#!lua flags=allow-oom" would do the same, but only from Redis 7 on.
const goesOn = "redis.call('PERSIST', KEYS[1])\n"

// scriptText is what Redis runs for lua/{name}.lua, whose KEYS must not be empty.
func scriptText(name string) string {
	switch text := source("prelude") + source(name); name {
	case "add", "access", "stats": // refused without memory; tells whether PERSIST is allowed; a replica does it, too
		return text
	default:
		return goesOn + text
	}
}

func source(name string) string {
	b, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err)) // embedded at build time
	}
	return string(b)
}
