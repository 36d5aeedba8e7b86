package config

import (
	"regexp"
	"strings"
)

// secretParam is a query parameter that may carry a credential.
var secretParam = regexp.MustCompile(`(?i)([?&][^=&]*(?:pass|pwd|token|secret|key|properties)[^=&]*=)[^&]*`)

// redactURL hides the password of a URL, or of several that are separated by
// commas. It does not parse: a URL that is written wrongly hides more, never
// less. A user name without a password is hidden too, because that is where
// people put a password by mistake.
func redactURL(s string) string {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return hiddenText
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, password := strings.Cut(rest[:at], ":")
		if password {
			user += ":"
		} else {
			user = ""
		}
		rest = user + hiddenPassword + rest[at:]
	}
	return scheme + "://" + secretParam.ReplaceAllString(rest, "${1}"+hiddenPassword)
}
