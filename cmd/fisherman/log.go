package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"fisherman/deployer"
)

// newLog writes for people on a terminal and JSON elsewhere.
func newLog() zerolog.Logger {
	var out io.Writer = os.Stderr
	if onTerminal() {
		out = forPeople(os.Stderr)
	}
	return zerolog.New(out).Level(zerolog.InfoLevel).With().Timestamp().Logger()
}

func onTerminal() bool { return term.IsTerminal(int(os.Stderr.Fd())) }

// forPeople shows what has several lines, such as the last output of a container, as lines of their own below.
func forPeople(out io.Writer) io.Writer {
	below := []string{"reason", zerolog.ErrorFieldName}
	return zerolog.ConsoleWriter{
		Out: out, TimeFormat: "15:04:05", FieldsExclude: below, NoColor: os.Getenv("TERM") == "dumb",
		FormatMessage: func(message any) string { return oneLine(fmt.Sprint(message)) },
		FormatExtra: func(fields map[string]any, line *bytes.Buffer) error {
			for _, name := range below {
				writeField(line, name, fields[name])
			}
			return nil
		},
	}
}

func writeField(line *bytes.Buffer, name string, value any) {
	text, _ := value.(string)
	first, rest, several := strings.Cut(text, "\n")
	if text == "" {
		return
	}
	fmt.Fprintf(line, " %s=%q", name, first)
	if several {
		for each := range strings.SplitSeq(printable(strings.TrimRight(rest, "\r\n")), "\n") {
			fmt.Fprintf(line, "\n    %s", each)
		}
	}
}

// loggedMost bounds what is kept of deployments for the log's sake.
const loggedMost = 4096

// logTransition writes one line for each state a deployment enters. The deployer tells in order, and also of what was only
// noted of one.
func (p *program) logTransition(d deployer.Deployment) {
	if p.logged[d.ID] == len(d.Steps) || d.State.Ended() && d.FinishedAt.Before(p.begun) {
		return
	}
	if len(p.logged) >= loggedMost {
		clear(p.logged) // at worst a line comes twice
	}
	p.logged[d.ID] = len(d.Steps)
	event := p.Log.Info()
	if d.State == deployer.Failed || d.State == deployer.RolledBack {
		event = p.Log.Error()
	}
	if d.Reason != "" {
		event = event.Str("reason", d.Reason)
	}
	event.Str("service", d.Service).Str("deployment", d.ID).Str("commit", d.Commit).Str("digest", d.Digest).
		Str("trigger", string(d.Cause.Kind)).Msg(string(d.State))
}
