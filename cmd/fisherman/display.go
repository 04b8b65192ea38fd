package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// display shows a person how a deployment goes. Nothing of what it is told can send anything to a terminal but text.
type display interface {
	entered(d server.Deployment) // its last step is new
	progress(p server.Progress)
	say(text string)
	close()
}

func newDisplay(w io.Writer, d server.Deployment) display {
	title := oneLine(fmt.Sprintf("deployment %s of %s: %s", d.ID, d.Service, d.Image))
	if t := terminalOf(w); t != nil {
		return newLive(t, title)
	}
	fmt.Fprintln(w, title)
	return &plain{w, map[string]time.Time{}}
}

// numbersEvery is how often a plain display repeats progress in which nothing but numbers are new. Replicas speak in turn, so
// what was said last is not all there is to compare with.
const numbersEvery = 5 * time.Second

// plain writes a line an event.
type plain struct {
	w    io.Writer
	said map[string]time.Time // progress without what keeps changing, and when
}

func (p *plain) line(at time.Time, text string) {
	fmt.Fprintf(p.w, "%s  %s\n", at.Local().Format("15:04:05.000"), text)
}

func (p *plain) entered(d server.Deployment) {
	at := time.Now()
	if n := len(d.Steps); n > 0 {
		at = d.Steps[n-1].At
	}
	text := oneLine(string(d.State))
	if why := remark(d); why != "" {
		text += ": " + why
	}
	p.line(at, text)
}

func (p *plain) progress(now server.Progress) {
	said, at := gist(now), time.Now()
	if at.Sub(p.said[said]) < numbersEvery {
		return
	}
	p.said[said] = at
	p.line(at, "  "+detail(now))
}

// remark is why a deployment that ended well has changed nothing; of others the outcome of the command tells.
func remark(d server.Deployment) string {
	if !endedWell(d) {
		return ""
	}
	return oneLine(d.Reason)
}

// gist is progress without its numbers; those of a health check's answer count.
func gist(p server.Progress) string {
	text := detail(p)
	if p.State != deployer.Verifying {
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune("0123456789.", r) {
				return -1
			}
			return r
		}, oneLine(p.Text))
	}
	return string(p.State) + " " + text
}

func (p *plain) say(text string) { p.line(time.Now(), text) }

func (p *plain) close() {}

// detail is progress in a few words.
func detail(p server.Progress) string {
	text := oneLine(p.Text)
	switch {
	case p.State == deployer.Pulling && p.Total > 0:
		return fmt.Sprintf("%s (%d %%)", text, 100*p.Done/p.Total)
	case p.State == deployer.Verifying && p.Total > 0:
		return fmt.Sprintf("%d of %d good answers; %s", p.Done, p.Total, text)
	}
	return text
}

// seconds is a duration as it is watched.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Truncate(time.Second).String()
}
