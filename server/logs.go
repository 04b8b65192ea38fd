package server

import (
	"errors"
	"fmt"
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
	options, err := logOptions(r)
	if err != nil {
		return err
	}
	if options.Follow {
		leave, err := s.enter()
		if err != nil {
			return err
		}
		defer leave()
	}
	output, err := s.Deployer.Logs(r.Context(), chi.URLParam(r, "service"), options)
	if err != nil {
		return err
	}
	defer output.Close()
	w.Header().Set("Content-Type", plainText)
	if err := relay(w, output); err != nil && r.Context().Err() == nil {
		about(zerolog.Ctx(r.Context()).Warn(), r).Err(err).Msg("logs cut short")
		panic(http.ErrAbortHandler) // the client must not take what it has for all there is
	}
	return nil
}

func logOptions(r *http.Request) (o deployer.LogOptions, err error) {
	if o.Follow, err = flag(r, "follow"); err != nil {
		return o, err
	}
	if o.Tail, err = number(r, "tail", 0, 0); err != nil {
		return o, err
	}
	o.Since, err = since(r, "since")
	return o, err
}

// relay copies output piece by piece, each of them on its way before the next is waited for. Each write has a deadline
// of its own, however long the whole takes.
func relay(w http.ResponseWriter, output io.Reader) error {
	control := http.NewResponseController(w)
	for piece := make([]byte, 16<<10); ; {
		if err := control.Flush(); err != nil { // at first this sends the header
			return fmt.Errorf("send output: %w", err)
		}
		n, read := output.Read(piece)
		_ = control.SetWriteDeadline(time.Now().Add(answerWithin))
		if _, err := w.Write(piece[:n]); err != nil {
			return fmt.Errorf("send output: %w", err)
		}
		switch {
		case errors.Is(read, io.EOF):
			return nil
		case read != nil:
			return fmt.Errorf("read output: %w", read)
		}
	}
}
