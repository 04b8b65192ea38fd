package deployer

import (
	"fmt"
	"time"
)

// Report is what a Runtime tells of its work.
type Report struct {
	Text        string // for a person
	Done, Total int64  // bytes of a pull, good answers in a row of those needed; Total 0: not known
	Passing     bool   // of the moment: shown to those who watch, and not kept
}

// Progress is how far the state that a deployment is in has come. It is kept nowhere.
type Progress struct {
	Deployment, Service string
	State               State
	Text                string
	Done, Total         int64

	number int64 // by which a reader sees that it is new
}

// report tells of a job's work: those who watch and, unless it is only of the moment, its log. The next state takes that
// to disk.
func (l *lane) report(j *job, r Report) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if !r.Passing {
		j.Deployment = j.noted(time.Now(), "%s", r.Text)
	}
	l.d.reports++
	j.report = &Progress{
		Deployment: j.id, Service: j.Service, State: j.State, Text: clip(r.Text, maxNote), Done: r.Done, Total: r.Total,
		number: l.d.reports,
	}
	l.d.announceLocked()
}

// reporter is report for one job.
func (l *lane) reporter(j *job) func(Report) {
	return func(r Report) { l.report(j, r) }
}

// note adds a line to the deployment's log.
func (l *lane) note(j *job, format string, args ...any) {
	l.report(j, Report{Text: fmt.Sprintf(format, args...)})
}

// News returns a channel that closes once a deployment has moved or told something.
func (d *Deployer) News() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.news
}

func (d *Deployer) announceLocked() {
	close(d.news)
	d.news = make(chan struct{})
}
