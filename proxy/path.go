package proxy

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// rawPath is the path of the request as it came over the wire, escapes and all.
func rawPath(r *http.Request) string {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") { // absolute-form (RFC 9112, 3.2.2)
		_, target, _ = strings.Cut(target, "://")
		target = strings.TrimLeftFunc(target, inAuthority)
	}
	target, _, _ = strings.Cut(target, "?")
	if target == "" {
		return "/"
	}
	return target
}

func inAuthority(r rune) bool { return r != '/' && r != '?' }

// plain says that nobody can read p in two ways: no escapes, no dot segments, no empty segments, no parameters.
func plain(p string) bool {
	for i := range len(p) {
		switch p[i] {
		case '%', ';', '\\':
			return false
		case '/':
			if i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// readings returns the two other ways in which backends are known to read p: with its escapes decoded, and tidied on
// top of that, which drops parameters (";v=1"), takes a backslash for a slash, and resolves empty and dot segments.
func readings(p string) (decoded, tidied string, ok bool) {
	decoded, err := url.PathUnescape(p)
	if err != nil {
		return "", "", false
	}
	segments := strings.Split(strings.ReplaceAll(decoded, `\`, "/"), "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return decoded, path.Clean("/" + strings.Join(segments, "/")), true
}

// under says whether p lies under prefix, by whole segments. A prefix has no slash at its end; "" has everything
// under it.
func under(prefix, p string) bool {
	return strings.HasPrefix(p, prefix) && (len(p) == len(prefix) || prefix == "" || p[len(prefix)] == '/')
}
