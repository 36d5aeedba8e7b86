// Jpeg writes the AVX2 kernels of package jpeg. Each does exactly what the function
// of the same name in idct.go does, which says what they are for.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The fixed point of package jpeg's idct.go.
const (
	basisBits = 14
	firstBits = basisBits - 2
	lastBits  = basisBits + 2

	forwardBits = basisBits - 5
)

func main() {
	ConstraintExpr("amd64")
	idct8()
	idct4()
	fdct8()
	Generate()
}

// basis is sample i of the k-th cosine of a transform of n points.
func basis(n, i, k int) int16 {
	if k == 0 {
		return int16(math.Round(math.Sqrt(1.0/8) * (1 << basisBits)))
	}
	return int16(math.Round(0.5 * math.Cos(float64((2*i+1)*k)*math.Pi/float64(2*n)) * (1 << basisBits)))
}

// constant is 32 bytes that repeat a 32-bit value.
func constant(name string, v uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	return m
}

// pair is the weights of cosines j and k in sample i.
func pair(n, i, j, k int) Mem {
	return constant(fmt.Sprintf("c%d_%d_%d%d", n, i, j, k), uint32(uint16(basis(n, i, j)))|uint32(uint16(basis(n, i, k)))<<16)
}

func idct8() {
	TEXT("idct8AVX2", NOSPLIT, "func(dst *byte, stride int, coef, quant *int16, n int)")
	Doc("idct8AVX2 is idct8 for n a multiple of 2.")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	coef, quant := Load(Param("coef"), GP64()), Load(Param("quant"), GP64())
	n := Load(Param("n"), GP64())
	rows := AllocLocal(8 * 32)
	row := func(i int) Mem { return rows.Offset(32 * i) }
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	var even, odd [4][2]Mem
	for i := range 4 {
		even[i] = [2]Mem{pair(8, i, 0, 2), pair(8, i, 4, 6)}
		odd[i] = [2]Mem{pair(8, i, 1, 3), pair(8, i, 5, 7)}
	}
	first := constant("first8", 1<<(firstBits-1))
	last := constant("last8", 128<<lastBits+1<<(lastBits-1))

	Label("loop")
	CMPQ(n, U8(2))
	JL(LabelRef("done"))
	x, free := low, high
	for i := range x {
		q := free[0]
		VMOVDQU(Mem{Base: coef, Disp: 16 * i}, x[i].AsX())
		VINSERTI128(U8(1), Mem{Base: coef, Disp: 128 + 16*i}, x[i], x[i])
		VBROADCASTI128(Mem{Base: quant, Disp: 16 * i}, q)
		VPMULLW(q, x[i], x[i])
	}
	pass8(x, free, even, odd, first, firstBits, func(i int, s, d VecPhysical) {
		VMOVDQU(s, row(i))
		VMOVDQU(d, row(7-i))
	})
	c := exchanged(row)
	lower := GP64()
	LEAQ(Mem{Base: dst, Index: stride, Scale: 4}, lower)
	at := func(i int) Mem {
		base := dst.(GPVirtual)
		if i >= 4 {
			base = lower
		}
		switch i % 4 {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: stride3, Scale: 1}
		}
		return Mem{Base: base, Index: stride, Scale: uint8(i % 4)}
	}
	pass8(c, low, even, odd, last, lastBits, func(i int, s, d VecPhysical) {
		VPACKUSWB(d, s, s)
		VPERMQ(U8(0xd8), s, s)
		VMOVDQU(s.AsX(), at(i))
		VEXTRACTI128(U8(1), s, at(7-i))
	})
	ADDQ(U32(256), coef)
	ADDQ(U8(16), dst)
	SUBQ(U8(2), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// The registers are shared out by hand: avo's allocator would want more than the
// sixteen that AVX2 has.
var (
	low  = [8]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7}
	high = [8]VecPhysical{Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
)

// pass8 transforms the columns of x, which it overwrites, as it does p, and hands
// rows i and 7-i to emit.
func pass8(x, p [8]VecPhysical, even, odd [4][2]Mem, round Mem, shift uint8, emit func(i int, s, d VecPhysical)) {
	for i, rows := range [4][2]int{{0, 2}, {4, 6}, {1, 3}, {5, 7}} {
		VPUNPCKLWD(x[rows[1]], x[rows[0]], p[2*i])
		VPUNPCKHWD(x[rows[1]], x[rows[0]], p[2*i+1])
	}
	for i := range 4 {
		for h := range 2 {
			e, o, t := x[3*h], x[3*h+1], x[3*h+2]
			VPMADDWD(even[i][0], p[h], e)
			VPMADDWD(even[i][1], p[2+h], t)
			VPADDD(t, e, e)
			VPADDD(round, e, e)
			VPMADDWD(odd[i][0], p[4+h], o)
			VPMADDWD(odd[i][1], p[6+h], t)
			VPADDD(t, o, o)
			VPADDD(o, e, t)
			VPSUBD(o, e, e)
			VPSRAD(U8(shift), t, t)
			VPSRAD(U8(shift), e, e)
		}
		VPACKSSDW(x[5], x[2], x[2])
		VPACKSSDW(x[3], x[0], x[0])
		emit(i, x[2], x[0])
	}
}

func idct4() {
	TEXT("idct4AVX2", NOSPLIT, "func(dst *byte, stride int, coef, quant *int16, n int)")
	Doc("idct4AVX2 is idct4 for n a multiple of 4.")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	coef, quant := Load(Param("coef"), GP64()), Load(Param("quant"), GP64())
	n := Load(Param("n"), GP64())
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	var even, odd [2]Mem
	for i := range 2 {
		even[i], odd[i] = pair(4, i, 0, 2), pair(4, i, 1, 3)
	}
	first := constant("first4", 1<<(firstBits-1))
	last := constant("last4", 128<<lastBits+1<<(lastBits-1))

	Label("loop")
	CMPQ(n, U8(4))
	JL(LabelRef("done"))
	var x [4]VecVirtual
	for i := range x {
		x[i] = YMM()
		high := XMM()
		VMOVQ(Mem{Base: coef, Disp: 16 * i}, x[i].AsX())
		VMOVHPS(Mem{Base: coef, Disp: 128 + 16*i}, x[i].AsX(), x[i].AsX())
		VMOVQ(Mem{Base: coef, Disp: 256 + 16*i}, high)
		VMOVHPS(Mem{Base: coef, Disp: 384 + 16*i}, high, high)
		VINSERTI128(U8(1), high, x[i], x[i])
		// Loaded each time: kept, they would take the allocator beyond the sixteen
		// registers that AVX2 has.
		q := YMM()
		VPBROADCASTQ(Mem{Base: quant, Disp: 16 * i}, q)
		VPMULLW(q, x[i], x[i])
	}
	v := pass4(x, even, odd, first, firstBits)
	// Rows and columns exchanged, in each quarter of the registers.
	var w, p, c [4]VecVirtual
	for i := range 4 {
		w[i], p[i], c[i] = YMM(), YMM(), YMM()
	}
	VPUNPCKLWD(v[1], v[0], w[0])
	VPUNPCKHWD(v[1], v[0], w[1])
	VPUNPCKLWD(v[3], v[2], w[2])
	VPUNPCKHWD(v[3], v[2], w[3])
	VPUNPCKLDQ(w[2], w[0], p[0])
	VPUNPCKHDQ(w[2], w[0], p[1])
	VPUNPCKLDQ(w[3], w[1], p[2])
	VPUNPCKHDQ(w[3], w[1], p[3])
	VPUNPCKLQDQ(p[2], p[0], c[0])
	VPUNPCKHQDQ(p[2], p[0], c[1])
	VPUNPCKLQDQ(p[3], p[1], c[2])
	VPUNPCKHQDQ(p[3], p[1], c[3])
	v = pass4(c, even, odd, last, lastBits)
	for i := 0; i < 4; i += 2 {
		VPACKUSWB(v[i+1], v[i], v[i])
		VPERMQ(U8(0xd8), v[i], v[i])
	}
	VMOVDQU(v[0].AsX(), Mem{Base: dst})
	VEXTRACTI128(U8(1), v[0], Mem{Base: dst, Index: stride, Scale: 1})
	VMOVDQU(v[2].AsX(), Mem{Base: dst, Index: stride, Scale: 2})
	VEXTRACTI128(U8(1), v[2], Mem{Base: dst, Index: stride3, Scale: 1})
	ADDQ(U32(512), coef)
	ADDQ(U8(16), dst)
	SUBQ(U8(4), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// pass4 transforms the columns of x.
func pass4(x [4]VecVirtual, even, odd [2]Mem, round Mem, shift uint8) (out [4]VecVirtual) {
	var p02, p13 [2]VecVirtual
	for h := range 2 {
		p02[h], p13[h] = YMM(), YMM()
	}
	VPUNPCKLWD(x[2], x[0], p02[0])
	VPUNPCKHWD(x[2], x[0], p02[1])
	VPUNPCKLWD(x[3], x[1], p13[0])
	VPUNPCKHWD(x[3], x[1], p13[1])
	for i := range 2 {
		var sum, diff [2]VecVirtual
		for h := range 2 {
			e, o, s := YMM(), YMM(), YMM()
			VPMADDWD(even[i], p02[h], e)
			VPADDD(round, e, e)
			VPMADDWD(odd[i], p13[h], o)
			VPADDD(o, e, s)
			VPSUBD(o, e, e)
			sum[h], diff[h] = s, e
			VPSRAD(U8(shift), sum[h], sum[h])
			VPSRAD(U8(shift), diff[h], diff[h])
		}
		VPACKSSDW(sum[1], sum[0], sum[0])
		VPACKSSDW(diff[1], diff[0], diff[0])
		out[i], out[3-i] = sum[0], diff[0]
	}
	return out
}

func fdct8() {
	TEXT("fdct8AVX2", NOSPLIT, "func(coef *int16, src *byte, stride int, scale *float32, n int)")
	Doc("fdct8AVX2 is fdct8 for n a multiple of 2.")
	coef, src := Load(Param("coef"), GP64()), Load(Param("src"), GP64())
	stride, scale := Load(Param("stride"), GP64()), Load(Param("scale"), GP64())
	n := Load(Param("n"), GP64())
	rows := AllocLocal(8 * 32)
	row := func(i int) Mem { return rows.Offset(32 * i) }
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	var weights [8][2]Mem
	for k := range weights {
		for i := range 2 {
			a, b := basis(8, 2*i, k), basis(8, 2*i+1, k)
			weights[k][i] = constant(fmt.Sprintf("f%d_%d", k, i), uint32(uint16(a))|uint32(uint16(b))<<16)
		}
	}
	middle := constant("middle", 128<<16|128)
	round := constant("forward", 1<<(forwardBits-1))

	Label("loop")
	CMPQ(n, U8(2))
	JL(LabelRef("done"))
	lower := GP64()
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, lower)
	for i := range 8 {
		at := Mem{Base: src.(GPVirtual)}
		if i >= 4 {
			at.Base = lower
		}
		switch i % 4 {
		case 1, 2:
			at.Index, at.Scale = stride, uint8(i%4)
		case 3:
			at.Index, at.Scale = stride3, 1
		}
		VPMOVZXBW(at, low[i])
		VPSUBW(middle, low[i], low[i])
	}
	forward8(low, high, weights, func(k int, a, b VecPhysical) {
		for _, r := range []VecPhysical{a, b} {
			VPADDD(round, r, r)
			VPSRAD(U8(forwardBits), r, r)
		}
		VPACKSSDW(b, a, a)
		VMOVDQU(a, row(k))
	})
	x := exchanged(row)
	forward8(x, low, weights, func(k int, a, b VecPhysical) {
		for i, r := range []VecPhysical{a, b} {
			VCVTDQ2PS(r, r)
			VBROADCASTF128(Mem{Base: scale, Disp: 32*k + 16*i}, x[4])
			VMULPS(x[4], r, r)
			VCVTPS2DQ(r, r)
		}
		VPACKSSDW(b, a, a)
		VMOVDQU(a.AsX(), Mem{Base: coef, Disp: 16 * k})
		VEXTRACTI128(U8(1), a, Mem{Base: coef, Disp: 128 + 16*k})
	})
	ADDQ(U32(256), coef)
	ADDQ(U8(16), src)
	SUBQ(U8(2), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// forward8 transforms the columns of x, which it overwrites, as it does p, and
// hands both halves of the sums of frequency k to emit, which may use x[4] and up.
func forward8(x, p [8]VecPhysical, weights [8][2]Mem, emit func(k int, a, b VecPhysical)) {
	for i := range 4 {
		VPADDW(x[7-i], x[i], p[i])
		VPSUBW(x[7-i], x[i], p[4+i])
	}
	for i := 0; i < 8; i += 2 {
		VPUNPCKLWD(p[i+1], p[i], x[i])
		VPUNPCKHWD(p[i+1], p[i], x[i+1])
	}
	// The pairs move over, so that the sums are where emit expects them.
	for i := range 8 {
		VMOVDQA(x[i], p[i])
	}
	for k := range 8 {
		from := k % 2 * 4 // sums for even frequencies, differences for odd ones
		for h := range 2 {
			VPMADDWD(weights[k][0], p[from+h], x[h])
			VPMADDWD(weights[k][1], p[from+2+h], x[2+h])
			VPADDD(x[2+h], x[h], x[h])
		}
		emit(k, x[0], x[1])
	}
}

// exchanged loads eight rows with rows and columns exchanged, in either half of the
// registers.
func exchanged(row func(i int) Mem) [8]VecPhysical {
	a, b, c := high, low, high
	for i := 0; i < 8; i += 2 {
		r := low[0]
		VMOVDQU(row(i), r)
		VPUNPCKLWD(row(i+1), r, a[i])
		VPUNPCKHWD(row(i+1), r, a[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			VPUNPCKLDQ(a[i+2+j], a[i+j], b[i+2*j])
			VPUNPCKHDQ(a[i+2+j], a[i+j], b[i+2*j+1])
		}
	}
	for i := range 4 {
		VPUNPCKLQDQ(b[i+4], b[i], c[2*i])
		VPUNPCKHQDQ(b[i+4], b[i], c[2*i+1])
	}
	return c
}
