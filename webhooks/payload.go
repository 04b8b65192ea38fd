package webhooks

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v57/github"
)

// envelope is what all events have in common. The repository is read here and nowhere else: the one whose secret is
// checked must be the one that is acted for.
type envelope struct {
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
}

// open reads the headers and the envelope of a verified request, and returns its JSON.
func open(r *http.Request, body []byte) (Event, []byte, error) {
	event := Event{Delivery: github.DeliveryID(r), Kind: github.WebHookType(r)}
	if event.Kind == "" || event.Delivery == "" {
		return Event{}, nil, fmt.Errorf("%w: header X-GitHub-Event or X-GitHub-Delivery is missing", ErrMalformed)
	}
	if event.Kind == "registry_package" {
		event.Kind = KindPackage
	}
	payload, err := unwrap(r.Header.Get("Content-Type"), body)
	if err != nil {
		return Event{}, nil, err
	}
	var common *envelope // a pointer, to tell null from an object
	if err := json.Unmarshal(payload, &common); err != nil || common == nil {
		return Event{}, nil, malformed(err)
	}
	event.Repository = strings.ToLower(common.Repository.FullName)
	event.Sender = common.Sender.Login
	return event, payload, nil
}

// unwrap returns the JSON in a body. GitHub sends it plain or in the form field payload, as the webhook's content type says. Every
// other content type is taken for JSON: the sender is verified by now, and refusing would lose a delivery over a
// header that some proxy may have altered.
func unwrap(contentType string, body []byte) ([]byte, error) {
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/x-www-form-urlencoded" {
		return body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("payload") {
		return nil, fmt.Errorf("%w: the form has no readable field payload; "+
			"set the webhook's content type to application/json", ErrMalformed)
	}
	return []byte(form.Get("payload")), nil
}

// members names JSON members worth reading, with those inside each; none inside means all of it.
type members map[string]members

// pick returns the JSON with only these members. go-github's structs cover all that GitHub sends and fail on any one member of
// another type; this way only those can fail that are read.
func (m members) pick(raw json.RawMessage) json.RawMessage {
	var object map[string]json.RawMessage
	if len(m) == 0 || json.Unmarshal(raw, &object) != nil {
		return raw
	}
	kept := make(map[string]json.RawMessage, len(m))
	for name, inner := range m {
		if value, ok := object[name]; ok {
			kept[name] = inner.pick(value)
		}
	}
	picked, _ := json.Marshal(kept) // cannot fail: the values were decoded just now
	return picked
}
