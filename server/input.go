package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const maxInput = 64 << 10 // bytes of an API request's body

// option reads the one text that a command's body may hold: {"key": "text"}. Without it, and without any body, it is
// empty.
func option(r *http.Request, key string) (string, error) {
	raw, err := input(r)
	if err != nil || len(bytes.TrimSpace(raw)) == 0 {
		return "", err
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return "", refuse(http.StatusBadRequest, `the body is not a JSON object; send {%q: "…"}, or nothing`, key)
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name != key {
			return "", refuse(http.StatusBadRequest, "the body has the unknown key %q; the only one is %q", clip(name), key)
		}
	}
	text, ok := body[key].(string)
	if !ok && body[key] != nil {
		return "", refuse(http.StatusBadRequest, `%q is not a text; send {%q: "…"}, or nothing`, key, key)
	}
	return text, nil
}

func input(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxInput))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes; send a shorter one", maxInput)
	case err != nil:
		return nil, refuse(http.StatusRequestTimeout, "the body did not arrive whole within %v; send it again", bodyWithin)
	}
	return raw, nil
}

// number reads a whole number of at least least from the query.
func number(r *http.Request, name string, unset, least int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) { // Atoi then returns the nearest number there is
		err = nil
	}
	if err != nil || n < least {
		return 0, refuse(http.StatusBadRequest, "%s=%s: write a whole number, %d or more, or leave it out", name, clip(text), least)
	}
	return n, nil
}

// Since reads a moment as people give it: RFC 3339, or how long before now, such as 10m. ok is false when it is neither.
func Since(text string, now time.Time) (at time.Time, ok bool) {
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), ago >= 0
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// since reads a moment from the query; unset is the zero one.
func since(r *http.Request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, ok := Since(text, time.Now())
	if !ok {
		return at, refuse(http.StatusBadRequest, "%s=%s: write how long ago, such as 10m, or a time such as 2006-01-02T15:04:05Z, or leave it out", name, clip(text))
	}
	return at, nil
}

// flag reads a yes or no from the query; unset is no.
func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, refuse(http.StatusBadRequest, "%s=%s: write true or false, or leave it out", name, clip(text))
	}
	return yes, nil
}
