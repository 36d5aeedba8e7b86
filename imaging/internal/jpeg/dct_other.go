//go:build !amd64

package jpeg

func accelerate(map[int]transform) {}

func accelerateForward() forward { return fdct8 }
