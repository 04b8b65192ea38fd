package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
)

// TestTheLogOnATerminal is readable, and nothing that an app or a stranger wrote is obeyed by the terminal.
func TestTheLogOnATerminal(t *testing.T) {
	var out bytes.Buffer
	t.Setenv("NO_COLOR", "1")
	log := zerolog.New(forPeople(&out))
	log.Error().Str("service", "web").Str("deployment", "01J").
		Str("reason", "container web-0 exited with code 1; its last lines:\npanic: \x1b[31mred\x1b]0;title\a\nbye\u009b2J\r\n").Msg("failed")
	log.Warn().Err(errors.New("one line\x1b[2J")).Strs("said", []string{"a\x1bb"}).Str("path", "/\u202e\u009b").Msg("warn\x1b[2J\n\rthem")
	want := `<nil> ERR failed deployment=01J service=web reason="container web-0 exited with code 1; its last lines:"
    panic: \x1b[31mred\x1b]0;title\a
    bye\u009b2J
<nil> WRN warn\x1b[2J \rthem path="/\u202e\u009b" said=["a\u001bb"] error="one line\x1b[2J"
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s\n%[1]q", out.String(), want)
	}
}

// TestADumbTerminalGetsNoColour, as from the commands.
func TestADumbTerminalGetsNoColour(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for term, want := range map[string]bool{"dumb": false, "xterm": true} {
		t.Setenv("TERM", term)
		var out bytes.Buffer
		log := zerolog.New(forPeople(&out))
		log.Info().Str("service", "web").Msg("pulling")
		if got := strings.Contains(out.String(), "\x1b["); got != want {
			t.Errorf("TERM=%s: it prints %q", term, out.String())
		}
	}
}

// TestOneLineForEachStep: what is only noted of a deployment is in its own log, and no line of the server's.
func TestOneLineForEachStep(t *testing.T) {
	var out bytes.Buffer
	p := &program{settings: settings{Log: zerolog.New(&out)}, begun: time.Now(), logged: map[string]int{}}
	d := deployer.Deployment{ID: "1", Service: "web"}
	for _, state := range []deployer.State{deployer.Queued, deployer.Pulling, deployer.Failed} {
		d.State, d.Steps = state, append(d.Steps, deployer.Step{State: state})
		if state.Ended() {
			d.FinishedAt = time.Now()
		}
		p.logTransition(d)
		d.Notes = append(d.Notes, deployer.Note{Text: "noted"})
		p.logTransition(d)
	}
	p.logTransition(deployer.Deployment{ID: "0", State: deployer.Succeeded, Steps: d.Steps, Message: "of an earlier life"})
	if n := strings.Count(out.String(), `"service":"web","deployment":"1"`); n != 3 || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("want three lines, got\n%s", out.String())
	}
}
