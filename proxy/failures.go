package proxy

import (
	"context"
	"encoding/json"
	"time"

	"github.com/caddyserver/certmagic"
)

// failures are attempts to have a host's certificate made that have failed, one after the other.
type failures struct {
	Count  int
	Last   time.Time
	Reason string // of the last one
	By     ACME   // who was asked, and how
}

func (f failures) Error() string { return f.Reason }

// of is how many there were of asking this way.
func (f failures) of(by ACME) int {
	if f.By != by {
		return 0
	}
	return f.Count
}

func failuresKey(host string) string { return "failures/" + certmagic.StorageKeys.Safe(host) + ".json" }

// failures are those of a host that are on disk; none where they cannot be read, or another CA was asked.
func (s *shelf) failures(by ACME, host string) failures {
	var f failures
	content, err := s.Load(context.Background(), failuresKey(host))
	if err != nil || json.Unmarshal(content, &f) != nil || f.of(by) <= 0 {
		return failures{}
	}
	return f
}

// note puts a host's failures on disk.
func (s *shelf) note(host string, f failures) error {
	if f.Count == 0 {
		return s.Delete(context.Background(), failuresKey(host))
	}
	content, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return s.Store(context.Background(), failuresKey(host), content)
}
