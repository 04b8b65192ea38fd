package config

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// pathSegments is a path of RFC 3986 segments without percent-encoding, whose meaning for matching is not obvious.
var pathSegments = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+$`)

// endpoint is the URL of an API.
func endpoint(into *string) kind {
	return scalar[string]{into: into, word: "URL", form: like(`^https?://[^/?#]`), parse: func(s string) (string, error) {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
			return "", errors.New("is not the address of an API; write it like `https://host/path`")
		}
		return s, nil
	}}
}

// engine is the address of a Docker Engine.
func engine(into *string) kind {
	return scalar[string]{into: into, word: "URL", form: like(`^(unix|tcp|https?)://.`), parse: func(s string) (string, error) {
		scheme, rest, _ := strings.Cut(s, "://")
		switch scheme {
		case "unix", "tcp", "http", "https":
			if rest != "" {
				return s, nil
			}
		}
		return "", errors.New("is not a Docker Engine's address; write `unix:///path` or `tcp://host:port`")
	}}
}

// pathPrefix begins a path, by whole segments; a slash at its end says nothing and is dropped.
func pathPrefix(into *string) kind {
	return scalar[string]{into: into, word: "path", form: like(`^/[^?#%\s]*$`), parse: func(s string) (string, error) {
		clean := strings.TrimSuffix(s, "/")
		switch {
		case !strings.HasPrefix(s, "/"):
			return "", errors.New("does not begin with a slash; write `/` or `/path`")
		case clean == "":
			return "/", nil
		case !pathSegments.MatchString(clean):
			return "", errors.New("is not a path prefix; write segments such as `/api/v1`, without query, fragment, " +
				"empty segments or percent-encoding")
		}
		for segment := range strings.SplitSeq(clean, "/") {
			if segment == "." || segment == ".." {
				return "", errors.New("holds a segment `.` or `..`; write the path that it leads to")
			}
		}
		return clean, nil
	}}
}

// requestPath is what a health check asks for; it may have a query.
func requestPath(into *string) kind {
	return scalar[string]{into: into, word: "path", form: like(`^/[^#\s]*$`), parse: func(s string) (string, error) {
		if _, err := url.ParseRequestURI(s); err != nil || !strings.HasPrefix(s, "/") ||
			strings.ContainsAny(s, "# \t\r\n") || strings.HasPrefix(s, "//") {
			return "", errors.New("is not the path of a request; write it like `/health`")
		}
		return s, nil
	}}
}
