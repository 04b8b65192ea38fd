package discord

import (
	"errors"
	"time"

	"github.com/rs/zerolog"
)

const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
	// refusalPause is for what only a person can mend, in Discord or in the configuration.
	refusalPause = 10 * time.Minute
	// maxRateLimit bounds what Discord can ask for.
	maxRateLimit = time.Hour
)

// mood is how it stands between us and Discord. It says so in the log when that changes, and not at every message.
type mood struct {
	log      zerolog.Logger
	failures int    // in a row
	refusal  string // the last one, empty when all is well
}

// after takes note of an attempt's outcome and returns how long to pause.
func (m *mood) after(err error) time.Duration {
	var limit *rateLimit
	var refused *refusal
	switch {
	case err == nil:
		m.recovered()
		return 0
	case errors.As(err, &limit):
		return min(limit.after, maxRateLimit)
	case errors.As(err, &refused):
		m.refused(refused)
		return refusalPause
	}
	m.failures++
	if m.failures == 1 {
		m.log.Warn().Err(err).Msg("Discord does not answer: deployments go on, their messages follow")
	}
	return backoff(m.failures)
}

func (m *mood) refused(r *refusal) {
	if m.refusal == r.Error() {
		return
	}
	m.refusal = r.Error()
	m.log.Error().Err(r).Msg("Discord refuses our messages: deployments go on without them, it is asked again every ten minutes")
}

func (m *mood) recovered() {
	if m.failures > 0 || m.refusal != "" {
		m.log.Info().Msg("Discord takes messages again")
	}
	m.failures, m.refusal = 0, ""
}

// backoff doubles from a second to a minute.
func backoff(failures int) time.Duration {
	wait := firstBackoff
	for range failures - 1 {
		if wait = 2 * wait; wait >= lastBackoff {
			return lastBackoff
		}
	}
	return wait
}
