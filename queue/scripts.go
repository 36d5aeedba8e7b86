package queue

import (
	"embed"
	"fmt"

	"github.com/redis/rueidis"
)

//go:embed lua
var sources embed.FS

// scripts are the queue's Lua scripts; each file of lua/ says what it does.
type scripts struct {
	add, claim, begin, renew, complete, fail, retry, release,
	promote, promoteNow, sweep, recover, requeue, restore, remove, stats, progress *rueidis.Lua
}

func loadScripts() scripts {
	prelude := source("prelude")
	load := func(name string) *rueidis.Lua { return rueidis.NewLuaScript(prelude + source(name)) }
	return scripts{
		add: load("add"), claim: load("claim"), begin: load("begin"), renew: load("renew"),
		complete: load("complete"), fail: load("fail"), retry: load("retry"), release: load("release"),
		promote: load("promote"), promoteNow: load("promote_now"), sweep: load("sweep"),
		recover: load("recover"), requeue: load("requeue"), restore: load("restore"),
		remove: load("remove"), stats: load("stats"), progress: load("progress"),
	}
}

func source(name string) string {
	b, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err)) // embedded at build time
	}
	return string(b)
}
