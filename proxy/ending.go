package proxy

import (
	"net/http"
	"strings"
)

// ending is how an exchange that may last for hours is ended so that both sides understand. What has none is an ordinary
// request, or an upgrade to a protocol that is not known here: it ends by itself or is cut.
type ending interface {
	// part ends the exchange as its protocol has it. It returns early once gone is closed: the exchange has ended.
	part(gone <-chan struct{})
	// said reports whether the client has been told; after that, closing the connection surprises nobody.
	said() bool
}

func isStream(e ending) bool {
	_, ok := e.(*eventStream)
	return ok
}

func isSocket(e ending) bool {
	_, ok := e.(*socket)
	return ok
}

// classify looks at how the backend has begun to answer.
func (x *exchange) classify(res *http.Response) {
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		if s := newSocket(res); s != nil {
			x.route.release.become(x, s)
		}
	case res.ContentLength < 0 && isEventStream(res.Header["Content-Type"]):
		x.route.release.become(x, newEventStream(res, x.cancel))
	}
}

// isEventStream knows the media type of server-sent events (HTML Standard, 9.2).
func isEventStream(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	media, _, _ := strings.Cut(contentType[0], ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}
