package server

import (
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

const (
	// maxStreams is how many answers may go on at once: each holds a connection and a goroutine.
	maxStreams = 64
	// signOfLife is the time after which a stream that has nothing to say says so.
	signOfLife = 15 * time.Second
)

// piece is what a stream has to send.
type piece struct {
	text []byte // may be nothing
	more bool   // there is more at once
	over bool   // there will be no more
}

// stream sends what next returns, whenever the deployer has news, until that is over, the client has gone or the server
// stops; and idle, unless empty, when there has been nothing for a while. Nobody else waits for a client that does not
// read, and after 30 s it is given up.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, idle string, next func() (piece, error)) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	for {
		news := s.Deployer.News()
		p, err := next()
		if err != nil {
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("stream cut short")
			panic(http.ErrAbortHandler) // the client must not take what it has for all there is
		}
		if !send(w, p.text) || p.over || r.Context().Err() != nil || !p.more && !await(w, r, idle, news) {
			return nil
		}
	}
}

// enter takes a place among the streams, or fails when there is none.
func (s *Server) enter() (leave func(), err error) {
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams }, nil
	default:
		return nil, refuse(http.StatusServiceUnavailable, "%d streams are open, which is the most; end one, or try again later", maxStreams)
	}
}

// await returns true once there is news, and false when nobody waits for it any more.
func await(w http.ResponseWriter, r *http.Request, idle string, news <-chan struct{}) bool {
	quiet := time.NewTicker(signOfLife)
	defer quiet.Stop()
	for {
		select {
		case <-news:
			return true
		case <-quiet.C:
			if !send(w, []byte(idle)) {
				return false
			}
		case <-r.Context().Done():
			return false
		}
	}
}

// send has a deadline of its own, however long the whole takes. It reports whether somebody reads on.
func send(w http.ResponseWriter, text []byte) bool {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(answerWithin))
	if _, err := w.Write(text); err != nil {
		return false
	}
	return control.Flush() == nil // at first this sends the header
}
