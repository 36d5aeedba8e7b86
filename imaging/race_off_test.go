//go:build !race

package imaging

const underRace = false
