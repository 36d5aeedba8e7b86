package sqlite

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// contains(text, part) reports whether text has part in it, whatever the case of
// their letters; part must be folded already. SQLite's own LIKE and lower() know
// the case of ASCII letters only.
const contains = "revela_contains"

func init() {
	sqlite.MustRegisterDeterministicScalarFunction(contains, 2,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text, ok1 := args[0].(string)
			part, ok2 := args[1].(string)
			if !ok1 || !ok2 {
				return nil, fmt.Errorf("%s of %T and %T, expected two texts", contains, args[0], args[1])
			}
			return strings.Contains(fold(text), part), nil
		})
}

// fold makes texts equal that differ in case only, by Unicode's simple folding:
// as regular expressions do in Go and in PCRE, so as MongoDB does.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r < utf8.RuneSelf:
			return r
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}
