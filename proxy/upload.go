package proxy

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// upload is a request's body on its way to a backend. It remembers how reading from the client failed, so that the
// client's fault is not taken for the backend's, and it stays open when an attempt to connect closes it, so that the
// next attempt can send it.
type upload struct {
	io.Reader
	ended  func() // called when all of it was read
	whole  atomic.Bool
	failed atomic.Pointer[error]
}

func (u *upload) Read(b []byte) (int, error) {
	n, err := u.Reader.Read(b)
	switch {
	case err == io.EOF: // an io.Reader returns io.EOF itself
		u.whole.Store(true)
		u.ended()
	case err != nil:
		u.failed.Store(&err)
	}
	return n, err
}

// Close does nothing: net/http closes the client's body when the handler returns.
func (u *upload) Close() error { return nil }

// isPartial reports whether there is an upload that has not been read to its end.
func (u *upload) isPartial() bool { return u != nil && !u.whole.Load() }

// fault is what went wrong on the client's side, if anything did.
func (u *upload) fault() fault {
	if u == nil || u.failed.Load() == nil {
		return none
	}
	err := *u.failed.Load()
	var network net.Error
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return clientGone
	}
	return badUpload
}
