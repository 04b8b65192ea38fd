package server

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"fisherman/deployer"
)

const plainText = "text/plain; charset=utf-8"

// serviceLogs streams the output of a service's containers as it comes. It ends with the output, the client or the
// server, whichever is first.
func (s *Server) serviceLogs(w http.ResponseWriter, r *http.Request) error {
	follow, err := flag(r, "follow")
	if err != nil {
		return err
	}
	tail, err := number(r, "tail", 0, 0)
	if err != nil {
		return err
	}
	output, err := s.Deployer.Logs(r.Context(), chi.URLParam(r, "service"), deployer.LogOptions{Follow: follow, Tail: tail})
	if err != nil {
		return err
	}
	defer output.Close()
	w.Header().Set("Content-Type", plainText)
	if err := relay(w, output); err != nil && r.Context().Err() == nil {
		zerolog.Ctx(r.Context()).Debug().Err(err).Msg("logs cut short")
		panic(http.ErrAbortHandler)
	}
	return nil
}

// relay copies output piece by piece. Each write has a deadline of its own, however long the whole takes.
func relay(w http.ResponseWriter, output io.Reader) error {
	control := http.NewResponseController(w)
	piece := make([]byte, 16<<10)
	for {
		if err := control.Flush(); err != nil { // the first time: the head of the answer, before there is any output
			return err
		}
		n, err := output.Read(piece)
		if errors.Is(err, io.EOF) && n == 0 {
			return nil
		}
		_ = control.SetWriteDeadline(time.Now().Add(answerWithin))
		if _, err := w.Write(piece[:n]); err != nil {
			return err
		}
		if err != nil {
			return eofIsNil(err)
		}
	}
}
