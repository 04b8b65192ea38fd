package discord

import (
	"context"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

// start runs a notifier until the test ends or stop is called, which waits for it.
func start(t *testing.T, n *Notifier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func listen(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestOneMessageIsEditedAsTheDeploymentGoes(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	start(t, n)

	n.Observe(stage("1", deployer.Waiting))
	n.Observe(stage("1", deployer.Waiting, deployer.Pulling))
	sent := s.await()
	n.Observe(stage("1", deployer.Waiting, deployer.Pulling, deployer.Starting))
	edited := s.await()
	n.Observe(stage("1", deployer.Waiting, deployer.Pulling, deployer.Starting, deployer.Succeeded))
	ended := s.await()

	if sent.method != http.MethodPost || sent.id != "" || !strings.Contains(sent.text, "pulling a1b2c3d") {
		t.Errorf("sent %+v", sent)
	}
	for _, p := range []post{edited, ended} {
		if p.method != http.MethodPatch || p.id != "1000" {
			t.Errorf("edited %+v", p)
		}
	}
	want := "web: deployed a1b2c3d in 2.0 s\nada/web\nDraw faster\n`fisherman logs --deployment 1`\nAda"
	if ended.text != want {
		t.Errorf("got %q, want %q", ended.text, want)
	}
}

func TestAfterARestartTheSameMessageIsEdited(t *testing.T) {
	s, store := newStandIn(t), &memory{}
	url := listen(t, s) + "/" // as people write it
	before, _ := notifier(t, Options{API: url, Store: store})
	stop := start(t, before)
	before.Observe(stage("1", deployer.Pulling))
	s.await()
	stop()

	after, _ := notifier(t, Options{API: url, Store: store})
	start(t, after)
	after.Observe(stage("1", deployer.Queued))
	if p := s.await(); p.method != http.MethodPatch || p.id != "1000" {
		t.Errorf("got %+v", p)
	}
}

func TestWhatIsUntoldWhenItStopsIsTold(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	for _, id := range []string{"1", "2", "3"} {
		n.Observe(stage(id, deployer.Pulling, deployer.Failed))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Error(err)
	}
	if shown := s.shown(); len(shown) != 3 {
		t.Errorf("shown: %v", shown)
	}
}

func TestAMessageSomebodyDeletedIsSentAnew(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	start(t, n)
	n.Observe(stage("1", deployer.Pulling))
	s.await()
	s.remove("1000")
	n.Observe(stage("1", deployer.Pulling, deployer.Succeeded))
	s.await() // the edit that finds nothing
	if p := s.await(); p.method != http.MethodPost {
		t.Errorf("got %+v", p)
	}
	n.Observe(stage("1", deployer.Pulling, deployer.Failed))
	if p := s.await(); p.id != "1001" {
		t.Errorf("edited %+v: the new message is the one", p)
	}
}

func TestDiscordNeverHoldsAnybodyUp(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	hanging := newStandIn(t)
	hanging.always = &fault{hang: true}
	for about, url := range map[string]string{
		"dead":    "http://" + closed.Addr().String(),
		"hanging": listen(t, hanging),
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			n, log := notifier(t, Options{API: url})
			stop := start(t, n)
			for range 10_000 {
				n.Observe(stage("1", deployer.Pulling))
				n.Observe(stage("1", deployer.Pulling, deployer.Failed))
			}
			begun := time.Now()
			stop()
			if took := time.Since(begun); took > patience-time.Second {
				t.Errorf("stopping took %s", took)
			}
			if text := log.String(); !strings.Contains(text, "stopping before") || strings.Contains(text, token) {
				t.Errorf("log: %s", text)
			}
		})
	}
}

func TestTheTokenGoesToDiscordOnlyAndNeverToTheLog(t *testing.T) {
	elsewhere := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked with %q", r.URL, r.Header.Get("Authorization"))
	})
	away := http.Header{"Location": {listen(t, elsewhere) + "/api/v9/channels/1/messages"}}
	faults := map[string]fault{
		"moved":        {status: 307, header: away},
		"gone away":    {status: 302, header: away},
		"unauthorized": {status: 401, body: "who is Bot " + token + "?"},
		"invalid":      {status: 400, body: "what does Bot " + token + " mean?"},
		"broken":       {status: 500, body: "cannot find Bot " + token},
		"bad gateway":  {status: 502, body: "cannot reach Bot " + token},
		"too much":     {status: 429, body: "not again, Bot " + token},
	}
	for about, f := range faults {
		t.Run(about, func(t *testing.T) {
			s := newStandIn(t, f)
			n, ours := notifier(t, Options{API: listen(t, s)})
			theirs := &page{} // the library's log
			log.SetOutput(theirs)
			t.Cleanup(func() { log.SetOutput(os.Stderr) })
			stop := start(t, n)
			n.Observe(stage("1", deployer.Pulling, deployer.Failed))
			s.await()
			stop()
			if strings.Contains(ours.String(), token) || theirs.String() != "" {
				t.Errorf("ours: %s; theirs: %s", ours, theirs)
			}
		})
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	good := Options{Token: deployer.Plain(token), ChannelID: channel, Store: &memory{}}
	cases := map[string]struct {
		spoil func(*Options)
		says  string
	}{
		"discord.token": {func(o *Options) { o.Token = deployer.Plain("") }, "discord.token"},
		"channel":       {func(o *Options) { o.ChannelID = "general" }, `"general"`},
		"address":       {func(o *Options) { o.API = "discord.com" }, `"discord.com"`},
		"store":         {func(o *Options) { o.Store = nil }, "store"},
	}
	for about, c := range cases {
		o := good
		c.spoil(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", about, err)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
