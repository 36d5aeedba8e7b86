package config

import "strings"

// nearest returns the candidate that is the fewest edits from s, if they are at
// most two and it is nothing like a different word.
func nearest(s string, candidates []string) (string, bool) {
	best, least := "", 3
	for _, c := range candidates {
		if d := edits(loose(s), loose(c)); d < least && d*3 <= len(loose(c)) {
			best, least = c, d
		}
	}
	return best, best != ""
}

// loose makes queue.max_retries, QUEUE_MAX_RETRIES and queue.maxRetries one.
var loose = func() func(string) string {
	r := strings.NewReplacer(".", "", "_", "", "-", "")
	return func(s string) string { return strings.ToLower(r.Replace(s)) }
}()

// edits is the number of insertions, deletions, replacements and swaps of
// neighbours that turn a into b. It compares bytes: names are ASCII.
func edits(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
