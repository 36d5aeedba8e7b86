package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

var (
	sizeText  = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,3})? ?([kKMGT]i?B?|B)?$`)
	pixelText = regexp.MustCompile(`^([0-9]{1,15})(MP)?$`)
)

// size is a number of bytes. Decimal and binary units mean what they say: MB is
// 1,000,000 bytes and MiB is 1,048,576.
func size(least, most int64) kind[int64] {
	expect := fmt.Sprintf("a size from %s to %s, in bytes or with a unit, such as 32MiB or 500MB",
		formatSize(least), formatSize(most))
	return kind[int64]{"size", expect, func(s string) (int64, error) {
		if !sizeText.MatchString(s) {
			return 0, errMismatch
		}
		n, err := humanize.ParseBytes(s)
		if err != nil || n < uint64(least) || n > uint64(most) {
			return 0, errMismatch
		}
		return int64(n), nil
	}, formatSize, false}
}

// formatSize writes n with the largest unit that loses nothing.
func formatSize(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3},
	} {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// pixels is a number of pixels, or of megapixels with MP.
func pixels(least, most int64) kind[int64] {
	expect := fmt.Sprintf("a number of pixels from %d to %d, or of megapixels such as 50MP", least, most)
	return kind[int64]{"pixels", expect, func(s string) (int64, error) {
		m := pixelText.FindStringSubmatch(s)
		if m == nil {
			return 0, errMismatch
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil && m[2] != "" {
			n *= 1_000_000
			if len(strings.TrimLeft(m[1], "0")) > 9 {
				return 0, errMismatch
			}
		}
		if err != nil || n < least || n > most {
			return 0, errMismatch
		}
		return n, nil
	}, func(n int64) string { return strconv.FormatInt(n, 10) }, false}
}
