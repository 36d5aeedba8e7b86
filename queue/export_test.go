package queue

import "context"

// ScriptText is what Redis is given to run for lua/{name}.lua.
var ScriptText = scriptText

// Compact does one step.
func (q *Queue) Compact(ctx context.Context) error { return q.compact(ctx, 1) }

// Commands names the commands whose permission Check asks for.
func (q *Queue) Commands() map[string]bool {
	names := map[string]bool{}
	for _, words := range q.keys.commands() {
		names[words[0]] = true
	}
	return names
}
