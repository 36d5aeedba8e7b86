//go:build race

package imaging

// underRace: the detector makes sync.Pool forget at random and wraps
// allocations, so what a picture takes cannot be measured under it. `make test`
// measures it in a run without.
const underRace = true
