package webhooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// What Parse returns wraps one of these. Texts are for the sender: none holds a secret, a Go type or a piece of the body.
var (
	ErrUnverified = errors.New("delivery is not verified")
	ErrTooLarge   = errors.New("body is longer than 25 MiB, more than GitHub ever sends")
	ErrIncomplete = errors.New("body did not arrive whole in time; redeliver it")
	ErrMalformed  = errors.New("delivery is malformed")
	ErrBusy       = errors.New("too many large deliveries at once; redeliver this one")
)

// Status is the HTTP status that answers an error of Parse: 200 for nil, 500 for an error that is not one of Parse's.
func Status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, ErrUnverified):
		return http.StatusUnauthorized
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrIncomplete):
		return http.StatusRequestTimeout
	case errors.Is(err, ErrMalformed):
		return http.StatusBadRequest
	case errors.Is(err, ErrBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// malformed words a JSON error for the sender: encoding/json's own text names Go's types.
func malformed(err error) error {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && mistyped.Field != "" {
		return fmt.Errorf("%w: JSON member %s has the wrong type", ErrMalformed, mistyped.Field)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w: no valid JSON at byte %d", ErrMalformed, syntax.Offset)
	}
	return fmt.Errorf("%w: not a JSON object", ErrMalformed)
}
