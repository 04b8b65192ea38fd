package discord

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
)

const (
	token   = "MTA0.s3cret.token"
	channel = "1043210987654321098"
)

// post is what was asked of the stand-in.
type post struct {
	method string
	id     string // of the message, empty when one was sent
	text   string // the whole of it: headline and card
	at     time.Time
}

// fault is what the stand-in does instead of its duty, or after it.
type fault struct {
	status int
	header http.Header
	body   string
	hang   bool // until the client gives up
	late   bool // do what was asked, and then fail
}

// standIn is Discord as far as messages in one channel go: ids, nonces, and faults in the order of a script.
type standIn struct {
	t        *testing.T
	posts    chan post
	patience time.Duration // with the notifier

	mu       sync.Mutex // guards the fields below
	script   []fault
	always   *fault
	messages map[string]string // id to headline
	nonces   map[string]string // to id
}

func newStandIn(t *testing.T, script ...fault) *standIn {
	t.Helper()
	return &standIn{
		t: t, posts: make(chan post, 10_000), patience: 10 * time.Second, script: script,
		messages: map[string]string{}, nonces: map[string]string{},
	}
}

type payload struct {
	Content string `json:"content"`
	Embeds  []struct {
		Description string `json:"description"`
		Author      struct {
			Name string `json:"name"`
		} `json:"author"`
		Footer struct {
			Text string `json:"text"`
		} `json:"footer"`
	} `json:"embeds"`
	Nonce           string `json:"nonce"`
	EnforceNonce    bool   `json:"enforce_nonce"`
	AllowedMentions *struct {
		Parse []string `json:"parse"`
	} `json:"allowed_mentions"`
}

// read takes a request to pieces and complains about what Discord, or its users, would not like.
func (s *standIn) read(r *http.Request) (post, payload) {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v9/channels/"+channel+"/messages")
	if !ok || r.Header.Get("Authorization") != "Bot "+token {
		s.t.Errorf("%s %s with %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}
	raw, _ := io.ReadAll(r.Body)
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil || len(p.Embeds) != 1 || len(p.Nonce) > 25 {
		s.t.Errorf("%s: %v", raw, err)
		return post{}, p
	}
	if p.AllowedMentions == nil || p.AllowedMentions.Parse == nil || len(p.AllowedMentions.Parse) > 0 {
		s.t.Errorf("somebody may be mentioned: %s", raw)
	}
	e := p.Embeds[0]
	text := strings.Join([]string{p.Content, e.Author.Name, e.Description, e.Footer.Text}, "\n")
	return post{method: r.Method, id: strings.TrimPrefix(path, "/"), text: text, at: time.Now()}, p
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, p := s.read(r)
	f, faulty := s.nextFault()
	if faulty && f.hang {
		s.posts <- asked
		<-r.Context().Done()
		return
	}
	status, body := http.StatusOK, ""
	if !faulty || f.late {
		status, body = s.obey(asked.id, p)
	}
	if faulty {
		for name, values := range f.header {
			w.Header()[name] = values
		}
		if f.status > 0 {
			status, body = f.status, f.body
		}
	}
	s.posts <- asked // once it is done, so that a test can go on from there
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (s *standIn) nextFault() (fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) > 0 {
		f := s.script[0]
		s.script = s.script[1:]
		return f, true
	}
	if s.always != nil {
		return *s.always, true
	}
	return fault{}, false
}

// obey sends or edits a message.
func (s *standIn) obey(id string, p payload) (status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != "" {
		if _, ok := s.messages[id]; !ok {
			return http.StatusNotFound, `{"message": "Unknown Message", "code": 10008}`
		}
		s.messages[id] = p.Content
		return http.StatusOK, `{"id": "` + id + `"}`
	}
	id, known := s.nonces[p.Nonce]
	if !known || !p.EnforceNonce {
		id = strconv.Itoa(1000 + len(s.nonces))
		s.nonces[p.Nonce], s.messages[id] = id, p.Content
	}
	answer, _ := json.Marshal(map[string]string{"id": id, "content": s.messages[id]})
	return http.StatusOK, string(answer)
}

// heal ends all faults.
func (s *standIn) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always, s.script = nil, nil
}

// remove is what a person does to a message.
func (s *standIn) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.messages, id)
}

// shown is what people see in the channel.
func (s *standIn) shown() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := map[string]string{}
	for id, headline := range s.messages {
		shown[id] = headline
	}
	return shown
}

// RoundTrip reaches the stand-in without a network, for tests with a clock of their own.
func (s *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	result := answer.Result()
	result.Request = r
	return result, nil
}

// await returns the next thing that was asked.
func (s *standIn) await() post {
	s.t.Helper()
	select {
	case p := <-s.posts:
		return p
	case <-time.After(s.patience):
		s.t.Fatal("nothing was asked")
		return post{}
	}
}

// memory is a Store.
type memory struct{ sync.Map }

func (m *memory) Message(deployment string) (string, error) {
	id, _ := m.Load(deployment)
	text, _ := id.(string)
	return text, nil
}

func (m *memory) SetMessage(deployment, id string) error {
	m.Store(deployment, id)
	return nil
}

// page collects a log.
type page struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func notifier(t *testing.T, o Options) (*Notifier, *page) {
	t.Helper()
	log := &page{}
	o.Token, o.ChannelID, o.Log = deployer.Plain(token), channel, zerolog.New(log)
	if o.Store == nil {
		o.Store = &memory{}
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n, log
}

// stage is a deployment in a state.
func stage(id string, states ...deployer.State) deployer.Deployment {
	d := deployer.Deployment{
		ID: id, Service: "web", State: states[len(states)-1],
		Repository: "ada/web", Commit: strings.Repeat("a1b2c3d", 6)[:40], Message: "Draw faster", Author: "Ada",
	}
	start := time.Unix(1_700_000_000, 0)
	for i, state := range states {
		d.Steps = append(d.Steps, deployer.Step{State: state, At: start.Add(time.Duration(i) * time.Second)})
	}
	d.CreatedAt = start
	if d.State.Ended() {
		d.FinishedAt = d.Steps[len(states)-1].At
	}
	return d
}
