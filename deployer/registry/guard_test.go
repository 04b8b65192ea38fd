package registry

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	cases := map[string]time.Duration{
		"":                              time.Minute,
		"soon":                          time.Minute,
		"5":                             5 * time.Second,
		"0":                             time.Second,
		"-3":                            time.Second,
		"901":                           15 * time.Minute,
		"99999999999999":                time.Minute,
		"Wed, 01 May 2024 12:02:00 GMT": 2 * time.Minute,
		"Wed, 01 May 2024 11:00:00 GMT": time.Second,
		"Wed, 01 May 2024 18:00:00 GMT": 15 * time.Minute,
	}
	for header, want := range cases {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}
