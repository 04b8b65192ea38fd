package discord

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
)

const why = "container 0123456789ab was killed for want of memory (limit 64 MiB)"

// goesDown and recovers are what a deployer notices, some seconds after a fixed moment.
func goesDown(service string, second int64) deployer.Notice {
	return deployer.Notice{Service: service, Down: true, Reason: why, At: time.Unix(1_700_000_000+second, 0).UTC()}
}

func recovers(service string, second int64) deployer.Notice {
	return deployer.Notice{Service: service, At: time.Unix(1_700_000_000+second, 0).UTC()}
}

func TestAnOutageIsOneMessage(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	start(t, n)
	n.Notify(goesDown("web", 0))
	down := s.await()
	n.Notify(recovers("web", 250))
	well := s.await()
	if want := "web: down, none of its replicas is well\n\n" + why + "\nsince <t:1700000000:R>\n"; down.method != http.MethodPost || down.text != want {
		t.Errorf("%s %q, want %q", down.method, down.text, want)
	}
	if want := "web: well again after 4 min 10 s\n\n" + why + "\ndown from <t:1700000000:f> to <t:1700000250:f>\n"; well.id != "1000" || well.text != want {
		t.Errorf("%+v, want an edit to %q", well, want)
	}
	n.Notify(goesDown("web", 300))
	if next := s.await(); next.method != http.MethodPost {
		t.Errorf("the next outage had no message of its own: %+v", next)
	}
}

func TestTheSameOutageIsNotToldTwice(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	start(t, n)
	n.Notify(recovers("web", 0)) // it was never down
	n.Notify(goesDown("web", 10))
	s.await()
	again := goesDown("web", 20)
	again.Reason = "container 0123456789ab exited with code 1"
	n.Notify(again)
	if p := s.await(); p.id != "1000" || !strings.Contains(p.text, "exited with code 1\nsince <t:1700000010:R>") {
		t.Errorf("got %+v", p)
	}
	n.Notify(goesDown("api", 20))
	if p := s.await(); p.method != http.MethodPost || len(s.shown()) != 2 {
		t.Errorf("got %+v, shown %v", p, s.shown())
	}
}

func TestAfterARestartAnOutageGoesOn(t *testing.T) {
	for about, c := range map[string]struct {
		notices []deployer.Notice
		method  string
		says    string
	}{
		"still down":           {[]deployer.Notice{goesDown("web", 60)}, http.MethodPatch, "since <t:1700000000:R>"},
		"well meanwhile":       {[]deployer.Notice{recovers("web", 60)}, http.MethodPatch, "well again after 1 min 0 s"},
		"another one is down":  {[]deployer.Notice{goesDown("api", 60)}, http.MethodPost, "api: down"},
		"well, and down again": {[]deployer.Notice{recovers("web", 60), goesDown("web", 90)}, http.MethodPatch, "well again"},
	} {
		t.Run(about, func(t *testing.T) {
			s, store := newStandIn(t), &memory{}
			url := listen(t, s)
			before, _ := notifier(t, Options{API: url, Store: store})
			stop := start(t, before)
			before.Notify(goesDown("web", 0))
			s.await()
			stop()

			after, _ := notifier(t, Options{API: url, Store: store})
			start(t, after)
			for _, notice := range c.notices {
				after.Notify(notice)
			}
			if p := s.await(); p.method != c.method || !strings.Contains(p.text, c.says) {
				t.Errorf("got %+v", p)
			}
			if len(c.notices) > 1 {
				if p := s.await(); p.method != http.MethodPost || !strings.Contains(p.text, "since <t:1700000090:R>") {
					t.Errorf("got %+v", p)
				}
			}
		})
	}
}

// An outage that Discord could not be told of before a restart is told as it was.
func TestAfterARestartAnUntoldOutageIsTold(t *testing.T) {
	s, store := newStandIn(t), &memory{}
	s.always = &fault{status: 503}
	url := listen(t, s)
	before, _ := notifier(t, Options{API: url, Store: store})
	stop := start(t, before)
	before.Notify(goesDown("web", 0))
	s.await()
	stop()
	s.heal()
	for len(s.posts) > 0 {
		<-s.posts
	}
	after, _ := notifier(t, Options{API: url, Store: store})
	start(t, after)
	after.Notify(goesDown("web", 60))
	if p := s.await(); p.method != http.MethodPost || !strings.Contains(p.text, "since <t:1700000000:R>") {
		t.Errorf("got %+v", p)
	}
}

// What was told to its end is forgotten: after a restart the next outage is one of its own.
func TestAfterARestartAnOutageThatIsOverStaysSo(t *testing.T) {
	s, store := newStandIn(t), &memory{}
	url := listen(t, s)
	before, _ := notifier(t, Options{API: url, Store: store})
	stop := start(t, before)
	before.Notify(goesDown("web", 0))
	s.await()
	before.Notify(recovers("web", 30))
	s.await()
	stop()

	after, _ := notifier(t, Options{API: url, Store: store})
	start(t, after)
	after.Notify(recovers("web", 60))
	after.Notify(goesDown("web", 90))
	if p := s.await(); p.method != http.MethodPost || !strings.Contains(p.text, "since <t:1700000090:R>") {
		t.Errorf("got %+v", p)
	}
}

// Whatever happens while Discord is away is told afterwards, each outage once.
func TestOutagesWhileDiscordIsAway(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *standIn, n *Notifier, _ *page) {
		s.mu.Lock()
		s.always = &fault{status: 503}
		s.mu.Unlock()
		n.Notify(goesDown("web", 0))
		s.await()
		n.Notify(recovers("web", 30))
		n.Notify(goesDown("web", 40))
		n.Notify(recovers("web", 47))
		n.Notify(goesDown("web", 60))
		after(time.Hour)
		s.heal()
		after(time.Hour)
		shown := map[string]int{}
		for _, headline := range s.shown() {
			shown[headline]++
		}
		for _, want := range []string{"web: well again after 30 s", "web: well again after 7.0 s", "web: down, none of its replicas is well"} {
			if shown[want] != 1 || len(shown) != 3 {
				t.Errorf("%q %d times, of %v", want, shown[want], shown)
			}
		}
		if open, _ := n.store.Message(openOutage("web")); !strings.HasSuffix(open, "22:14:20Z") {
			t.Errorf("the open outage is %q", open)
		}
	})
}

func TestNoticesNeverWait(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	n, _ := notifier(t, Options{API: "http://" + closed.Addr().String()})
	start(t, n)
	begun := time.Now()
	for i := range int64(1_000) {
		n.Notify(goesDown("web", 2*i))
		n.Notify(recovers("web", 2*i+1))
	}
	if took := time.Since(begun); took > patience-time.Second {
		t.Errorf("took %s", took)
	}
	n.queue.mu.Lock()
	defer n.queue.mu.Unlock()
	if kept := len(n.queue.entries); kept > capacity {
		t.Errorf("%d outages are kept", kept)
	}
}

func TestAWarningIsToldAnewWhenItIsMoreUrgent(t *testing.T) {
	s := newStandIn(t)
	n, _ := notifier(t, Options{API: listen(t, s)})
	start(t, n)
	warn := func(second int64, reason string, again bool) {
		n.Warn(Warning{About: "certificate of a.pl", Reason: reason, Again: again, At: time.Unix(1_700_000_000+second, 0)})
	}
	warn(0, "", false) // nothing was told before
	warn(10, "it expires on 2030-01-01", false)
	first := s.await()
	if want := "certificate of a.pl: needs attention\n\nit expires on 2030-01-01\nsince <t:1700000010:R>\n"; first.method != http.MethodPost || first.text != want {
		t.Errorf("%s %q, want %q", first.method, first.text, want)
	}
	warn(20, "it expires very soon", true)
	if next := s.await(); next.method != http.MethodPost || !strings.Contains(next.text, "very soon") {
		t.Errorf("more urgent: %+v", next)
	}
	warn(30, "", false)
	if over := s.await(); over.id != "1001" || !strings.Contains(over.text, "well again") {
		t.Errorf("over: %+v", over)
	}
}
