// Package rig is what benchmarks stand on: a redis-server of their own, meters
// of time and processor, and the installation of peers.
//
// Figures are comparable only within one run: machines wander. So peers take
// turns on the same server, each turn begins on an empty server at rest, and
// medians of several rounds are told.
package rig
