// Package resample makes pictures smaller by Lanczos filtering with a radius of
// three, in integers.
//
// It works on rows of samples: a plane is a picture of one channel, and four
// channels lie interleaved. Colours with transparency must come multiplied by
// it. Rows are asked for one after the other and only as many are held as the
// filter is high, so the source need not be in memory in this form.
//
// On amd64 with AVX2 the inner loops are assembly; its results are the same to
// the bit as those of the portable loops, which the tests compare. No address in
// them depends on a sample's value, and the lengths that they rely on are checked
// before they are entered.
package resample

//go:generate go run -C ../asm ./resample -out ../resample/kernel_amd64.s -stubs ../resample/stub_amd64.go -pkg resample
