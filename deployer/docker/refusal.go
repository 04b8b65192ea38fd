package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/docker/client"

	"fisherman/deployer"
)

// refusal says why a pull failed, and whether another try may help. Docker passes on what the registry said as text, so
// text is all there is to judge by: what is known to be final is final, anything else may be the network's fault.
func (e *Engine) refusal(s source, err error) error {
	switch {
	case err == nil, errors.As(err, new(*foreignError)):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("pull %s: %w", s.ref, err)
	case client.IsErrConnectionFailed(err):
		return e.explain("pull "+s.ref, err)
	}
	said := e.logins()[s.registry].Password.Hide(err.Error())
	if strings.Contains(said, "no space left on device") { // ENOSPC (errno(3)), from wherever the engine unpacks
		return fmt.Errorf("pull %s from %s: %w for what it sent; free some space (docker system df shows what takes it), or lower retain (it said: %s)",
			s.ref, s.registry, deployer.ErrNoSpace, said)
	}
	if remedy, final := remedy(said); final {
		return fmt.Errorf("pull %s from %s: %s (it said: %s)", s.ref, s.registry, fmt.Sprintf(remedy, s.registry), said)
	}
	return unavailable(err, "pull %s from %s: %s", s.ref, s.registry, said)
}

// remedy knows the answers that no further try changes, as registries (OCI distribution-spec, error codes) and the engine
// word them. What it returns is a format with one place for the registry's host.
func remedy(said string) (format string, final bool) {
	said = strings.ToLower(said)
	for _, known := range []struct{ format, words string }{
		{"", "toomanyrequests"}, // may come along with a "denied"
		{"%s has no such image; push it again, or deploy another digest", "manifest unknown|not found: manifest|manifest_unknown|name unknown"},
		{"%s does not let this login have it, or there is no such image; check registries and its username and password in the config", "pull access denied|unauthorized|denied:|no basic auth credentials|authentication required|forbidden"},
		{"%s has it for other platforms only; build it for this machine's too", "no matching manifest|does not match the specified platform"},
		{"%s has a certificate this machine does not trust; install its authority, and restart Docker", "x509:"},
		{"%s speaks plain HTTP; give it a certificate, or name it in Docker's insecure-registries", "server gave http response to https client"},
		{"%s cannot be asked for it; check the image's name", "invalid reference format|repository name must"},
	} {
		for words := range strings.SplitSeq(known.words, "|") {
			if strings.Contains(said, words) {
				return known.format, known.format != ""
			}
		}
	}
	return "", false
}
