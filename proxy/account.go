package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// end accounts for the exchange, whether it ended well or not.
func (x *exchange) end() {
	if x.status == 0 && x.complete {
		x.status = http.StatusOK
	}
	if x.status == 0 {
		x.status = http.StatusBadGateway
	}
	if !x.complete {
		resetOld(x.request)
	}
	x.count()
	x.log()
}

func (x *exchange) count() {
	if x.route == nil {
		x.proxy.unrouted.count(x.status)
		return
	}
	meter := x.route.release.meter
	meter.count(x.status)
	if x.status == statusClientGone {
		return
	}
	meter.recent.count(x.failed())
	if x.joined {
		x.route.release.answers.count(x.failed())
	}
}

// failed reports whether the release, or the way to it, has let the client down.
func (x *exchange) failed() bool {
	if x.complete || x.upgraded || x.status >= http.StatusInternalServerError {
		return x.status >= http.StatusInternalServerError
	}
	return !x.deaf && !x.severed.Load() && x.request.Context().Err() == nil // broken off by the backend
}

// wentWell reports whether the exchange was ended by the answer, and that was no 5xx.
func (x *exchange) wentWell() bool {
	return x.complete && x.status < http.StatusInternalServerError && x.status != statusClientGone && x.err == nil && !x.severed.Load()
}

// accessLog is how requests are logged.
type accessLog struct {
	zerolog.Logger
	sample int
}

// SetAccessLog replaces Options.AccessLog, also while requests are answered: each has its lines here or there. It is called by one
// at a time.
func (p *Proxy) SetAccessLog(to AccessLog) {
	log := p.options.Log
	next := &accessLog{log.Output(p.lines), to.Sample}
	switch {
	case to.File != "":
		file := &logFile{path: to.File, log: log.With().Str("file", to.File).Logger()}
		_, _ = file.Write(nil) // says at once that it cannot be written
		p.lines.turn(file)
	case to.Writer == io.Discard:
		next.Logger = zerolog.Nop()
	case to.Writer != nil:
		p.lines.turn(to.Writer)
	default:
		next.Logger = log
	}
	p.access.Store(next)
	p.lines.end()
}

// weight is how many requests the exchange's line in the log stands for; 0 when it has none.
func (x *exchange) weight(n int) int {
	switch {
	case n <= 1 || !x.wentWell():
		return 1
	case x.proxy.well.Add(1)%uint64(n) == 0:
		return n
	}
	return 0
}

func (x *exchange) log() {
	to := x.proxy.access.Load()
	weight := x.weight(to.sample)
	if weight == 0 {
		return
	}
	line := to.Info()
	if !line.Enabled() {
		return
	}
	line.Str("method", x.request.Method).Str("host", visible(x.request.Host)).Str("path", visible(x.path))
	if x.route != nil {
		line.Str("service", x.route.release.service).Str("deployment", x.route.release.name)
	}
	if to.sample > 1 {
		line.Int("weight", weight)
	}
	if x.replica != nil {
		line.Str("backend", x.replica.address)
	}
	if !x.complete {
		line.Bool("aborted", true)
	}
	line.Int("status", x.status).Int64("bytes", x.written).Dur("duration", time.Since(x.begun)).
		AnErr("error", x.err).Msg("request")
}

// visible escapes what is not ASCII as a URL does: a terminal may obey some of it, and JSON leaves it as it is.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c > '~' }) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
