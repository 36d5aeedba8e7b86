package resample

import "golang.org/x/sys/cpu"

func best() kernels {
	if !cpu.X86.HasAVX2 {
		return portable
	}
	return kernels{
		widen: func(dst []int16, src []byte) {
			dst = dst[:len(src)]
			n := len(src) &^ 15
			if n > 0 {
				widenAVX2(&dst[0], &src[0], n)
			}
			widen(dst[n:], src[n:])
		},
		narrow: func(dst []byte, src []int16) {
			dst = dst[:len(src)]
			n := len(src) &^ 15
			if n > 0 {
				narrowAVX2(&dst[0], &src[0], n)
			}
			narrow(dst[n:], src[n:])
		},
		horizontal: func(dst, src []int16, a *Axis, channels int) {
			n := len(a.start) // a multiple of batch, with starts of zero beyond the last result
			_, _ = dst[:n*channels], src[:(a.src+a.taps)*channels]
			if channels == 1 {
				horizontal1AVX2(&dst[0], &src[0], &a.weights[0], &a.start[0], a.taps, n)
			} else {
				horizontal4AVX2(&dst[0], &src[0], &a.weights[0], &a.start[0], a.taps, a.dst)
			}
		},
		vertical: func(dst, ring []int16, rows []int32, weights []int16) {
			for _, at := range rows {
				_ = ring[int(at):][:len(dst)]
			}
			_ = rows[:len(weights)]
			verticalAVX2(&dst[0], &ring[0], &rows[0], &weights[0], len(weights), len(dst))
		},
	}
}
