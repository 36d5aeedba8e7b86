// Resample writes the AVX2 kernels of package resample. Each does exactly what the
// function of the same name in kernel.go does, which says what they are for.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The fixed point of package resample.
const (
	weightBits = 14
	fracBits   = 6
)

func main() {
	ConstraintExpr("amd64")
	widen()
	narrow()
	horizontal1()
	horizontal4()
	vertical()
	Generate()
}

// broadcast is a register with v in each 32-bit lane.
func broadcast(v uint32) VecVirtual {
	g, x, y := GP32(), XMM(), YMM()
	MOVL(U32(v), g)
	MOVD(g, x)
	VPBROADCASTD(x, y)
	return y
}

// pattern is a register with 32 bytes of constant data.
func pattern(name string, at func(i int) byte) VecVirtual {
	data := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(at(i)))
	}
	y := YMM()
	VMOVDQU(data, y)
	return y
}

func widen() {
	TEXT("widenAVX2", NOSPLIT, "func(dst *int16, src *byte, n int)")
	Doc("widenAVX2 is widen for n a multiple of 16.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	i, y := GP64(), YMM()
	XORQ(i, i)
	Label("loop")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	VPMOVZXBW(Mem{Base: src, Index: i, Scale: 1}, y)
	VPSLLW(U8(fracBits), y, y)
	VMOVDQU(y, Mem{Base: dst, Index: i, Scale: 2})
	ADDQ(U8(16), i)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func narrow() {
	TEXT("narrowAVX2", NOSPLIT, "func(dst *byte, src *int16, n int)")
	Doc("narrowAVX2 is narrow for n a multiple of 16.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	half := broadcast(1<<(fracBits-1)<<16 | 1<<(fracBits-1))
	i, y := GP64(), YMM()
	XORQ(i, i)
	Label("loop")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	VPADDSW(Mem{Base: src, Index: i, Scale: 2}, half, y)
	VPSRAW(U8(fracBits), y, y)
	VPACKUSWB(y, y, y)
	VPERMQ(U8(0b1000), y, y)
	VMOVDQU(y.AsX(), Mem{Base: dst, Index: i, Scale: 1})
	ADDQ(U8(16), i)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func horizontal1() {
	TEXT("horizontal1AVX2", NOSPLIT, "func(dst, src, weights *int16, start *int32, taps, n int)")
	Doc("horizontal1AVX2 is horizontal for one channel, n a multiple of 8 and taps of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	weights, start := Load(Param("weights"), GP64()), Load(Param("start"), GP64())
	taps, n := Load(Param("taps"), GP64()), Load(Param("n"), GP64())
	half := broadcast(1 << (weightBits - 1))
	stride := GP64() // of weights, in bytes
	LEAQ(Mem{Base: taps, Index: taps, Scale: 1}, stride)

	Label("loop")
	CMPQ(n, U8(8))
	JL(LabelRef("done"))
	var acc [8]VecVirtual
	for j := range acc {
		acc[j] = YMM()
		at, k := GP64(), GP64()
		MOVLQSX(Mem{Base: start, Disp: 4 * j}, at)
		LEAQ(Mem{Base: src, Index: at, Scale: 2}, at)
		VMOVDQU(Mem{Base: at}, acc[j])
		VPMADDWD(Mem{Base: weights}, acc[j], acc[j])
		MOVQ(U32(32), k)
		more, next := "more"+string(rune('0'+j)), "next"+string(rune('0'+j))
		Label(more)
		CMPQ(k, stride)
		JGE(LabelRef(next))
		v := YMM()
		VMOVDQU(Mem{Base: at, Index: k, Scale: 1}, v)
		VPMADDWD(Mem{Base: weights, Index: k, Scale: 1}, v, v)
		VPADDD(v, acc[j], acc[j])
		ADDQ(U8(32), k)
		JMP(LabelRef(more))
		Label(next)
		ADDQ(stride, weights)
	}
	// Eight registers of eight sums become one of eight totals.
	for _, d := range []int{1, 2} {
		for j := 0; j < 8; j += 2 * d {
			VPHADDD(acc[j+d], acc[j], acc[j])
		}
	}
	low, high := YMM(), YMM()
	VPERM2I128(U8(0x20), acc[4], acc[0], low)
	VPERM2I128(U8(0x31), acc[4], acc[0], high)
	VPADDD(high, low, low)
	VPADDD(half, low, low)
	VPSRAD(U8(weightBits), low, low)
	VPACKSSDW(low, low, low)
	VPERMQ(U8(0b1000), low, low)
	VMOVDQU(low.AsX(), Mem{Base: dst})
	ADDQ(U8(16), dst)
	ADDQ(U8(32), start)
	SUBQ(U8(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func horizontal4() {
	TEXT("horizontal4AVX2", NOSPLIT, "func(dst, src, weights *int16, start *int32, taps, n int)")
	Doc("horizontal4AVX2 is horizontal for four channels and taps a multiple of 4.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	weights, start := Load(Param("weights"), GP64()), Load(Param("start"), GP64())
	taps, n := Load(Param("taps"), GP64()), Load(Param("n"), GP64())
	half := broadcast(1 << (weightBits - 1))
	// Of two pixels, the samples of a channel beside each other.
	pairs := pattern("pairs", func(i int) byte { i %= 16; return byte(i/4*2 + i/2%2*8 + i%2) })
	// Two weights for each channel of two pixels, two others for the next two.
	spread := pattern("spread", func(i int) byte { return byte(i/16*4 + i%4) })

	Label("loop")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	at, k, acc := GP64(), GP64(), YMM()
	MOVLQSX(Mem{Base: start}, at)
	SHLQ(U8(3), at)
	ADDQ(src, at)
	VPXOR(acc, acc, acc)
	MOVQ(taps, k)
	Label("tap")
	v, w := YMM(), YMM()
	VMOVDQU(Mem{Base: at}, v)
	VPSHUFB(pairs, v, v)
	VPBROADCASTQ(Mem{Base: weights}, w)
	VPSHUFB(spread, w, w)
	VPMADDWD(w, v, v)
	VPADDD(v, acc, acc)
	ADDQ(U8(32), at)
	ADDQ(U8(8), weights)
	SUBQ(U8(4), k)
	JNZ(LabelRef("tap"))
	x := XMM()
	VEXTRACTI128(U8(1), acc, x)
	VPADDD(acc.AsX(), x, x)
	VPADDD(half.AsX(), x, x)
	VPSRAD(U8(weightBits), x, x)
	VPACKSSDW(x, x, x)
	VMOVQ(x, Mem{Base: dst})
	ADDQ(U8(8), dst)
	ADDQ(U8(4), start)
	DECQ(n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func vertical() {
	TEXT("verticalAVX2", NOSPLIT, "func(dst, ring *int16, rows *int32, weights *int16, taps, n int)")
	Doc("verticalAVX2 is vertical for n a multiple of 16 and taps of 2.")
	dst, ring := Load(Param("dst"), GP64()), Load(Param("ring"), GP64())
	rows, weights := Load(Param("rows"), GP64()), Load(Param("weights"), GP64())
	taps, n := Load(Param("taps"), GP64()), Load(Param("n"), GP64())
	half := broadcast(1 << (weightBits - 1))
	i := GP64()
	XORQ(i, i)
	Label("loop")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	low, high := YMM(), YMM()
	VMOVDQA(half, low)
	VMOVDQA(half, high)
	column, k := GP64(), GP64()
	LEAQ(Mem{Base: ring, Index: i, Scale: 2}, column)
	XORQ(k, k)
	Label("tap")
	upper, lower := GP64(), GP64()
	MOVLQSX(Mem{Base: rows, Index: k, Scale: 4}, upper)
	MOVLQSX(Mem{Base: rows, Index: k, Scale: 4, Disp: 4}, lower)
	u, l, a, b, w := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: column, Index: upper, Scale: 2}, u)
	VMOVDQU(Mem{Base: column, Index: lower, Scale: 2}, l)
	VPBROADCASTD(Mem{Base: weights, Index: k, Scale: 2}, w)
	VPUNPCKLWD(l, u, a)
	VPUNPCKHWD(l, u, b)
	VPMADDWD(w, a, a)
	VPMADDWD(w, b, b)
	VPADDD(a, low, low)
	VPADDD(b, high, high)
	ADDQ(U8(2), k)
	CMPQ(k, taps)
	JL(LabelRef("tap"))
	VPSRAD(U8(weightBits), low, low)
	VPSRAD(U8(weightBits), high, high)
	VPACKSSDW(high, low, low)
	VMOVDQU(low, Mem{Base: dst, Index: i, Scale: 2})
	ADDQ(U8(16), i)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}
