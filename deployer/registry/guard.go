package registry

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"fisherman/deployer"
)

const (
	// maxAnswer bounds every body that is read. Registries take manifests of up to 4 MiB (OCI distribution
	// specification, "Pushing Manifests"); configurations are far smaller.
	maxAnswer = 4 << 20

	defaultRetryAfter = time.Minute
	maxRetryAfter     = 15 * time.Minute
)

// guard sees answers before the client library does, which keeps neither the size of a body in bounds nor the
// headers of a refusal.
type guard struct {
	next http.RoundTripper
}

// RoundTrip returns a *deployer.RetryError when the registry asks to be left alone for a while.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if busy(answer) {
		defer func() { _ = answer.Body.Close() }()
		return nil, &deployer.RetryError{
			After: retryAfter(answer.Header.Get("Retry-After"), time.Now()),
			Err:   fmt.Errorf("%s answered %s", r.URL.Host, answer.Status),
		}
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	return answer, nil
}

// busy is RFC 6585 section 4 (429), and RFC 9110 section 10.2.3 for a 503 that says when to come back.
func busy(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusServiceUnavailable:
		return answer.Header.Get("Retry-After") != ""
	}
	return false
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3), within 1 s and 15 min; a minute when it is neither.
func retryAfter(header string, now time.Time) time.Duration {
	wait := defaultRetryAfter
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, time.Second), maxRetryAfter)
}
