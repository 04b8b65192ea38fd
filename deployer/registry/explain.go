package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"fisherman/deployer"
)

// explain says what became of a question, in the terms of deployer.Registry. What a registry wrote into the body of a
// refusal is left out: it is unbounded, often HTML, and nobody vouches that it does not repeat what was sent.
func explain(registry string, err error) error {
	var retry *deployer.RetryError
	var status *transport.Error
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &retry):
		return retry
	case errors.As(err, &long):
		return fmt.Errorf("%s sent a document of more than %d bytes: no image needs that", registry, long.Limit)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("ask %s: %w", registry, context.Canceled)
	case errors.Is(err, deployer.ErrUnavailable): // the password
		return fmt.Errorf("ask %s: %w", registry, err)
	case errors.As(err, &status):
		return explainStatus(registry, status.StatusCode)
	case unreachable(err):
		return fmt.Errorf("%s is %w: %w", registry, deployer.ErrUnavailable, err)
	}
	return fmt.Errorf("%s gave an answer that makes no sense: %.300w", registry, err)
}

func explainStatus(registry string, code int) error {
	answer := fmt.Sprintf("%s answered %d %s", registry, code, http.StatusText(code))
	switch {
	case code == http.StatusNotFound:
		return fmt.Errorf("%s has no such repository or tag: %w", registry, deployer.ErrNotFound)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%s: there is no such repository, or it may not be read by these credentials; "+
			"check its name, and username and password of %s under `registries` in the config", answer, registry)
	case code >= http.StatusInternalServerError || code == http.StatusRequestTimeout:
		return fmt.Errorf("%s: %w", answer, deployer.ErrUnavailable)
	}
	return errors.New(answer)
}

// unreachable reports whether there was no answer, or half of one. A certificate that is not trusted is an answer: it
// stays so until a person does something.
func unreachable(err error) bool {
	var certificate *tls.CertificateVerificationError
	var unanswered *url.Error
	switch {
	case errors.As(err, &certificate):
		return false
	case errors.As(err, &unanswered), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return false
}
