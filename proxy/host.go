package proxy

import "strings"

// maxHost is the longest domain name there is (RFC 1035, 2.3.4).
const maxHost = 255

// fold writes the host of a Host field into buf, in lower case, without its port and without one trailing dot, and
// returns the part of buf it took. It reports false for what is no host at all. It does not allocate.
func fold(buf *[maxHost]byte, field string) ([]byte, bool) {
	host, port := splitPort(field)
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > maxHost || !digits(port) {
		return nil, false
	}
	literal := host[0] == '['
	for i := range len(host) {
		c := host[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if !hostByte(c, literal) {
			return nil, false
		}
		buf[i] = c
	}
	return buf[:len(host)], true
}

// splitPort cuts at the first colon after the name or after the closing bracket of an address literal. A literal that
// is never closed comes back as an empty host.
func splitPort(field string) (host, port string) {
	if !strings.HasPrefix(field, "[") {
		host, port, _ = strings.Cut(field, ":")
		return host, port
	}
	end := strings.IndexByte(field, ']')
	rest := field[end+1:]
	if end < 0 || rest != "" && rest[0] != ':' {
		return "", ""
	}
	return field[:end+1], strings.TrimPrefix(rest, ":")
}

// hostByte says whether c may stand in a host: letters, digits, "-", "." and the "_" some people use; in an address
// literal ([::1]) also the characters of that form. Everything else that RFC 3986 lets pass (percent-escapes,
// sub-delimiters) has no use in DNS and is read differently by different software.
func hostByte(c byte, literal bool) bool {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		return true
	case c == ':', c == '[', c == ']':
		return literal
	}
	return false
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
