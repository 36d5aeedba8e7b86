package jpeg

import "golang.org/x/sys/cpu"

func accelerate(t map[int]transform) {
	if !cpu.X86.HasAVX2 {
		return
	}
	t[1] = batched(8, 2, idct8AVX2)
	t[2] = batched(4, 4, idct4AVX2)
}

// batched checks what a kernel relies on, and rounds the number of blocks up to
// what it takes at once.
func batched(side, batch int, kernel func(dst *byte, stride int, coef, quant *int16, n int)) transform {
	return func(dst []byte, stride int, coef []int16, quant *[64]int16, n int) {
		n = (n + batch - 1) / batch * batch
		if n == 0 || stride < side*n || len(dst) < (side-1)*stride+side*n || len(coef) < 64*n {
			panic("jpeg: buffers do not fit the blocks")
		}
		kernel(&dst[0], stride, &coef[0], &quant[0], n)
	}
}

func accelerateForward() forward {
	if !cpu.X86.HasAVX2 {
		return fdct8
	}
	return func(coef []int16, src []byte, stride int, scale *[64]float32, n int) {
		n = (n + 1) / 2 * 2
		if n == 0 || stride < 8*n || len(src) < 7*stride+8*n || len(coef) < 64*n {
			panic("jpeg: buffers do not fit the blocks")
		}
		fdct8AVX2(&coef[0], &src[0], stride, &scale[0], n)
	}
}
