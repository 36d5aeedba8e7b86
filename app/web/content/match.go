package content

import "strings"

// names reports whether an If-None-Match names etag, which is strong. The
// comparison is the weak one, as RFC 9110, 13.1.2 wants it. What is not
// well-formed names nothing from there on.
func names(header []string, etag string) bool {
	for _, line := range header {
		if len(header) == 1 && strings.TrimSpace(line) == "*" {
			return true
		}
		for line != "" {
			line = strings.TrimLeft(line, " \t,")
			line = strings.TrimPrefix(line, "W/")
			if line == "" || line[0] != '"' {
				break
			}
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				break
			}
			if line[:end+2] == etag {
				return true
			}
			line = line[end+2:]
		}
	}
	return false
}
