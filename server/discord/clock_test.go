package discord

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
)

// bubble runs a test with a clock of its own, a stand-in that follows the script, and a notifier that talks to it.
func bubble(t *testing.T, script []fault, test func(t *testing.T, s *standIn, n *Notifier, log *page)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStandIn(t, script...)
		s.patience = time.Hour
		n, log := notifier(t, Options{Transport: s})
		stop := start(t, n)
		test(t, s, n, log)
		stop()
	})
}

// after lets time pass until nothing more happens.
func after(d time.Duration) {
	pause(context.Background(), d)
	synctest.Wait()
}

func TestFastStagesAreToldTogether(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *standIn, n *Notifier, _ *page) {
		for _, state := range []deployer.State{
			deployer.Queued, deployer.Pulling, deployer.Starting, deployer.Verifying, deployer.Switching,
		} {
			n.Observe(stage("1", state))
			after(100 * time.Millisecond)
		}
		after(spacing)
		if len(s.posts) != 2 {
			t.Fatalf("%d requests", len(s.posts))
		}
		first, second := s.await(), s.await()
		if !strings.Contains(second.text, "switching") || second.at.Sub(first.at) != spacing {
			t.Errorf("after %s: %s", second.at.Sub(first.at), second.text)
		}
		n.Observe(stage("1", deployer.Draining))
		n.Observe(stage("1", deployer.Succeeded))
		synctest.Wait()
		if ended := s.await(); !strings.Contains(ended.text, "deployed") || !ended.at.Equal(time.Now()) {
			t.Errorf("the end came late: %+v", ended)
		}
	})
}

func TestRateLimitsAreObeyed(t *testing.T) {
	body := fault{status: 429, body: `{"message": "slow down", "retry_after": 7.5, "global": false}`}
	header := fault{status: 429, header: http.Header{"Retry-After": {"40"}}, body: "<html>"}
	bucket := fault{late: true, header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"5"}}}
	cases := map[string]struct {
		fault fault
		want  time.Duration
	}{
		"told in the body":     {body, 7500 * time.Millisecond},
		"told in a header":     {header, 40 * time.Second},
		"told before it comes": {bucket, 5 * time.Second},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			bubble(t, []fault{c.fault}, func(t *testing.T, s *standIn, n *Notifier, log *page) {
				n.Observe(stage("1", deployer.Pulling))
				n.Observe(stage("2", deployer.Pulling))
				first := s.await()
				if second := s.await(); second.at.Sub(first.at) != c.want {
					t.Errorf("asked again after %s, want %s", second.at.Sub(first.at), c.want)
				}
				after(time.Minute)
				if shown := s.shown(); len(shown) != 2 || log.String() != "" {
					t.Errorf("shown %v, log %s", shown, log)
				}
			})
		})
	}
}

func TestARateLimitDoesNotOutlastTheProgram(t *testing.T) {
	bucket := fault{late: true, header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset-After": {"600"}}}
	for about, f := range map[string]fault{
		"answer": {status: 429, header: http.Header{"Retry-After": {"600"}}},
		"bucket": bucket,
	} {
		t.Run(about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStandIn(t)
				s.always = &f
				n, log := notifier(t, Options{Transport: s})
				stop := start(t, n)
				n.Observe(stage("1", deployer.Pulling))
				n.Observe(stage("2", deployer.Pulling))
				s.await()
				synctest.Wait()
				begun := time.Now()
				stop()
				if took := time.Since(begun); took > grace || !strings.Contains(log.String(), "stopping before") {
					t.Errorf("took %s, log %s", took, log)
				}
			})
		})
	}
}

func TestAFailingDiscordIsAskedLessAndLessAndComplainedAboutOnce(t *testing.T) {
	var script []fault
	for range 10 {
		script = append(script, fault{status: 500})
	}
	script[1], script[4] = fault{hang: true}, fault{status: 502}
	bubble(t, script, func(t *testing.T, s *standIn, n *Notifier, log *page) {
		n.Observe(stage("1", deployer.Pulling, deployer.Failed))
		last := s.await().at
		for i, want := range []int{1, 2 + 10, 4, 8, 16, 32, 60, 60, 60, 60} {
			p := s.await()
			if got := p.at.Sub(last); got != time.Duration(want)*time.Second {
				t.Errorf("request %d came after %s, want %d s", i+2, got, want)
			}
			last = p.at
		}
		synctest.Wait()
		if shown := s.shown(); len(shown) != 1 || !strings.Contains(shown["1000"], "failed") {
			t.Errorf("shown %v", shown)
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "takes messages again") {
			t.Errorf("log: %s", text)
		}
	})
}

func TestARefusalIsComplainedAboutOnceAndTriedAgainCalmly(t *testing.T) {
	for status, hint := range map[int]string{401: "discord.token", 403: "Send Messages", 404: "discord.channel_id", 302: "discord.api"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, s *standIn, n *Notifier, log *page) {
				s.always = &fault{status: status}
				for i := range 100 {
					n.Observe(stage(fmt.Sprint(i), deployer.Pulling, deployer.Failed))
				}
				after(time.Hour + time.Second)
				if got := len(s.posts); got != 7 {
					t.Errorf("asked %d times in an hour", got)
				}
				if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, hint) {
					t.Errorf("log: %s", text)
				}
				s.heal()
				after(refusalPause)
				if shown := s.shown(); len(shown) != 100 {
					t.Errorf("%d of 100 were told in the end", len(shown))
				}
			})
		})
	}
}

func TestAMessageDiscordDoesNotTakeIsLeftOut(t *testing.T) {
	bubble(t, []fault{{status: 400, body: `{"code": 50035}`}}, func(t *testing.T, s *standIn, n *Notifier, log *page) {
		n.Observe(stage("1", deployer.Failed))
		n.Observe(stage("2", deployer.Failed))
		after(time.Hour)
		if shown := s.shown(); len(shown) != 1 || len(s.posts) != 2 || !strings.Contains(log.String(), `"deployment":"1"`) {
			t.Errorf("shown %v, %d requests, log %s", shown, len(s.posts), log)
		}
	})
}

func TestAnAnswerThatGotLostDoesNotMakeASecondMessage(t *testing.T) {
	bubble(t, []fault{{status: 500, late: true}}, func(t *testing.T, s *standIn, n *Notifier, _ *page) {
		n.Observe(stage("1", deployer.Pulling))
		synctest.Wait()
		n.Observe(stage("1", deployer.Pulling, deployer.Succeeded))
		after(time.Minute)
		if shown := s.shown(); len(shown) != 1 || !strings.Contains(shown["1000"], "deployed") {
			t.Errorf("shown %v", shown)
		}
	})
}

func TestAnotherBotsMessageIsNotEdited(t *testing.T) {
	foreign := fault{status: 403, body: `{"message": "Cannot edit a message authored by another user", "code": 50005}`}
	lost := fault{status: 404, body: `{"message": "Unknown Channel", "code": 10003}`}
	for about, c := range map[string]struct {
		fault fault
		want  int // messages
	}{"authored by another": {foreign, 2}, "the channel is lost": {lost, 1}} {
		t.Run(about, func(t *testing.T) {
			bubble(t, []fault{{late: true}, c.fault}, func(t *testing.T, s *standIn, n *Notifier, _ *page) {
				n.Observe(stage("1", deployer.Pulling))
				synctest.Wait()
				n.Observe(stage("1", deployer.Failed))
				synctest.Wait()
				if shown := s.shown(); len(shown) != c.want {
					t.Errorf("shown %v", shown)
				}
			})
		})
	}
}
