package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// fault is why the proxy answers a request itself.
type fault int

const (
	none fault = iota
	badTarget
	badHost
	badUpload
	ambiguousPath
	noTunnels
	misdirected
	wrongVersion
	unknownHost
	unknownPath
	noBackend
	heldTooLong
	heldTooMany
	backendBroke
	backendSlow
	clientGone
)

// retryAfter is when a client is told to try again after a 503, in seconds: switches and restarts take a few.
const retryAfter = "2"

// statusClientGone marks, in the log and the metrics only, a request whose client did not wait for the answer.
const statusClientGone = 499

// answer is what a client is told. It names nothing behind the proxy.
func (f fault) answer() (status int, text string) {
	switch f {
	case badTarget:
		return http.StatusBadRequest, "The request target is malformed."
	case badHost:
		return http.StatusBadRequest, "The Host field is missing or malformed."
	case badUpload:
		return http.StatusBadRequest, "The request body is malformed."
	case ambiguousPath:
		return http.StatusBadRequest, "The path can be read in several ways that lead to different places."
	case noTunnels:
		return http.StatusMethodNotAllowed, "Tunnels are not offered here."
	case misdirected:
		return http.StatusMisdirectedRequest, "This connection was not made for this host. Make another one for it."
	case wrongVersion:
		return http.StatusHTTPVersionNotSupported, "This port speaks HTTP/1.1."
	case unknownHost:
		return http.StatusNotFound, "Nothing is served under this host name."
	case unknownPath:
		return http.StatusNotFound, "Nothing is served under this path."
	case noBackend:
		return http.StatusServiceUnavailable, "The service is not running at the moment. Try again shortly."
	case heldTooLong:
		return http.StatusServiceUnavailable, "The service is being replaced. Try again shortly."
	case heldTooMany:
		return http.StatusServiceUnavailable, "The service is being replaced, and many wait for it. Try again shortly."
	case backendSlow:
		return http.StatusGatewayTimeout, "The service did not answer in time."
	case clientGone:
		return statusClientGone, ""
	default:
		return http.StatusBadGateway, "The service could not be reached or broke off."
	}
}

// Error makes a fault an error of an attempt to forward a request.
func (f fault) Error() string {
	if f == clientGone {
		return "the client has gone"
	}
	_, text := f.answer()
	return text
}

// page writes the answer, as HTML for who asks for that and else as text.
func (f fault) page(w http.ResponseWriter, r *http.Request) {
	status, text := f.answer()
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if f == noTunnels {
		header.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS") // demanded by RFC 9110, 15.5.6
	}
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", retryAfter) // RFC 9110, 10.2.3
	}
	header.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		header.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!doctype html><title>"+title+"</title><h1>"+title+"</h1><p>"+text+"\n")
		return
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, title+"\n"+text+"\n")
}
