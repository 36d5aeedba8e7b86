package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	keyPart       = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	mongoDatabase = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	hostName      = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$`)
	decimal       = regexp.MustCompile(`^[0-9]{1,18}$`)
	fraction      = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`)
)

func same(s string) string { return s }

func check(s string, ok bool) (string, error) {
	if !ok {
		return "", errMismatch
	}
	return s, nil
}

// text is any string.
func text() kind[string] {
	return kind[string]{"text", "text", func(s string) (string, error) { return s, nil }, same, true}
}

// match is a string that a pattern describes.
func match(name string, re *regexp.Regexp, expect string) kind[string] {
	return kind[string]{name, expect, func(s string) (string, error) {
		return check(s, re.MatchString(s))
	}, same, true}
}

// oneOf is a choice.
func oneOf(choices ...string) kind[string] {
	last := len(choices) - 1
	expect := strings.Join(choices[:last], ", ") + " or " + choices[last]
	return kind[string]{strings.Join(choices, "|"), expect, func(s string) (string, error) {
		return check(s, slices.Contains(choices, s))
	}, same, true}
}

// token is a secret that travels in a header.
func token() kind[string] {
	return kind[string]{"text", "printable ASCII without spaces, at most 512 characters",
		func(s string) (string, error) {
			visible := func(r rune) bool { return r > ' ' && r < 0x7f }
			return check(s, len(s) <= 512 && strings.TrimLeftFunc(s, visible) == "")
		}, same, true}
}

// host is an address or a name, without a port. IPv6 may carry brackets.
func host() kind[string] {
	return kind[string]{"host", "an IP address or a host name, without a port", parseHost, same, true}
}

func optionalHost() kind[string] {
	k := host()
	k.parse = func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		return parseHost(s)
	}
	return k
}

func parseHost(s string) (string, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			s = inner
		}
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.String(), nil
	}
	// What has only digits and dots was meant as an address.
	return check(s, hostName.MatchString(s) && strings.Trim(s, "0123456789.") != "")
}

// address is a URL of one of some schemes, or none. What follows the scheme is
// for its driver to judge.
func address(expect string, schemes ...string) kind[string] {
	return kind[string]{"url", expect, func(s string) (string, error) {
		scheme, rest, found := strings.Cut(s, "://")
		return check(s, s == "" || found && rest != "" && slices.Contains(schemes, scheme))
	}, same, true}
}

func path() kind[string] {
	return kind[string]{"dir", "the path of a directory", func(s string) (string, error) {
		return check(s, s != "" && !strings.ContainsRune(s, 0))
	}, same, true}
}

func optionalPath() kind[string] {
	return kind[string]{"dir", "the path of a directory", func(s string) (string, error) {
		return check(s, !strings.ContainsRune(s, 0))
	}, same, true}
}

func boolean() kind[bool] {
	return kind[bool]{"bool", "true or false", func(s string) (bool, error) {
		if s != "true" && s != "false" {
			return false, errMismatch
		}
		return s == "true", nil
	}, strconv.FormatBool, false}
}

// number is a whole number within bounds.
func number(least, most int) kind[int] {
	return kind[int]{"int", fmt.Sprintf("a whole number from %d to %d", least, most),
		func(s string) (int, error) { return parseInt(s, least, most) }, strconv.Itoa, false}
}

// autoNumber is a number, or Auto.
func autoNumber(least, most int) kind[int] {
	return kind[int]{"int", fmt.Sprintf("auto, or a whole number from %d to %d", least, most),
		func(s string) (int, error) {
			if s == "auto" {
				return Auto, nil
			}
			return parseInt(s, least, most)
		},
		func(n int) string {
			if n == Auto {
				return "auto"
			}
			return strconv.Itoa(n)
		}, false}
}

func parseInt(s string, least, most int) (int, error) {
	if strings.HasPrefix(s, "tcp://") {
		return 0, fmt.Errorf("is an address, not a number; Kubernetes and container links set such variables " +
			"for a service of that name (enableServiceLinks: false turns it off)")
	}
	n, err := strconv.Atoi(s)
	if err != nil || !decimal.MatchString(s) || n < least || n > most {
		return 0, errMismatch
	}
	return n, nil
}

// share is a part of one.
func share() kind[float64] {
	return kind[float64]{"float", "a number from 0 to 1, such as 0.2",
		func(s string) (float64, error) {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil || !fraction.MatchString(s) || f > 1 {
				return 0, errMismatch
			}
			return f, nil
		},
		func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }, false}
}

// keep is what a remove_on_… setting says; see Keep.
func keep() kind[Keep] {
	return kind[Keep]{"true|false|int|duration",
		"true, false, the number of jobs to keep, how long to keep them, or both, such as 1000,24h",
		parseKeep, Keep.String, false}
}

func parseKeep(s string) (Keep, error) {
	switch s {
	case "true":
		return Keep{}, nil
	case "false":
		return Keep{Count: -1}, nil
	}
	count, long, both := strings.Cut(s, ",")
	k := Keep{Count: -1}
	n, err := parseInt(count, 0, 1e9)
	if err == nil {
		k.Count = int(n)
		if !both {
			return k, nil
		}
	} else if both {
		return Keep{}, errMismatch
	} else {
		long = s
	}
	k.Age, err = time.ParseDuration(strings.TrimSpace(long))
	if err != nil || k.Age < time.Second || k.Age > 10*365*24*time.Hour {
		return Keep{}, errMismatch
	}
	return k, nil
}

// String is the text of a remove_on_… setting.
func (k Keep) String() string {
	switch {
	case k == Keep{Count: -1}:
		return "false"
	case k.Count == 0:
		return "true"
	case k.Age == 0:
		return strconv.Itoa(k.Count)
	case k.Count < 0:
		return formatDuration(k.Age)
	}
	return strconv.Itoa(k.Count) + "," + formatDuration(k.Age)
}

// duration is a time span with its unit. A bare number is refused: it would be
// milliseconds to some and seconds to others.
func duration(least, most time.Duration) kind[time.Duration] {
	expect := fmt.Sprintf("a duration with its unit from %s to %s, such as 1500ms, 10s or 2m",
		formatDuration(least), formatDuration(most))
	return kind[time.Duration]{"duration", expect, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most || s[0] == '+' || s[0] == '-' {
			return 0, errMismatch
		}
		return d, nil
	}, formatDuration, false}
}

// formatDuration writes 2m, not 2m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
