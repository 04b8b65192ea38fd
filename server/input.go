package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

const maxInput = 64 << 10 // bytes of an API request's body

// decode reads an API request's body: one JSON object, or nothing at all. A key that is not known is an error, as is a
// known one of another type.
func decode(r *http.Request, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxInput))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refuse(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes; send a JSON object with %s", maxInput, keys(into))
	case err != nil:
		return refuse(http.StatusRequestTimeout, "the body did not arrive whole within %v; send it again", bodyWithin)
	case len(bytes.TrimSpace(raw)) == 0:
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return mistyped(err, keys(into))
	}
	if decoder.More() {
		return refuse(http.StatusBadRequest, "the body holds more than one JSON value; send one object with %s", keys(into))
	}
	return nil
}

// mistyped words a JSON error for who wrote the JSON: encoding/json's own text names Go's types.
func mistyped(err error, known string) error {
	var typed *json.UnmarshalTypeError
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return refuse(http.StatusBadRequest, "the body has the unknown key %s; known is %s", name, known)
	}
	if errors.As(err, &typed) && typed.Field != "" {
		return refuse(http.StatusBadRequest, "the body's key %q is a %s; write a %s", typed.Field, typed.Value, typed.Type)
	}
	return refuse(http.StatusBadRequest, "the body is not a JSON object; send one with %s, or nothing", known)
}

// keys names what a body may hold.
func keys(into any) string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(into).Elem()) {
		names = append(names, strconv.Quote(field.Tag.Get("json")))
	}
	return strings.Join(names, ", ")
}

// number reads a whole number of at least least from the query.
func number(r *http.Request, name string, unset, least int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		return n, nil // far more than there is
	}
	if err != nil || n < least {
		return 0, refuse(http.StatusBadRequest, "%s=%s: not a whole number; write %d or more, or leave it out", name, clip(text), least)
	}
	return n, nil
}

// flag reads a yes or no from the query; unset is no.
func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, refuse(http.StatusBadRequest, "%s=%s: neither true nor false; write one of them", name, clip(text))
	}
	return yes, nil
}
