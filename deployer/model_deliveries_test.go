package deployer_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
)

func (p *plan) push() move {
	repository := p.service().Repository
	before, forced := p.heads[repository], p.heads[repository] > 0 && p.percent(12)
	after := p.commits[repository] + 1
	if forced && before > 1 && p.percent(50) {
		after = 1 + p.rng.IntN(before) // back to an old commit
	}
	if after == before {
		after = p.commits[repository] + 1
	}
	p.pushes[repository]++
	p.heads[repository], p.commits[repository] = after, max(after, p.commits[repository])
	t := deployer.Trigger{
		Kind: deployer.KindPush, Delivery: fmt.Sprintf("push-%d-%d-%d", before, after, p.rng.IntN(1e6)), Repository: repository, Sender: "octocat",
		Branch: "master", DefaultBranch: "master", Before: sha(before), After: sha(after), Forced: forced, Message: strconv.Itoa(p.pushes[repository]), Author: "Octo Cat",
	}
	return p.post(fmt.Sprintf("push %d→%d of %s, forced %v", before, after, repository, forced), t)
}

// announce is the news of an image.
func (p *plan) announce() move {
	s := p.service()
	n := p.recent(s.Repository)
	p.packages++
	t := deployer.Trigger{
		Kind: deployer.KindPackage, Delivery: fmt.Sprintf("package-%d", p.packages), Repository: s.Repository, Sender: "octocat",
		Image: s.Image, Tag: s.Tag, Digest: imageOf(s, n), Commit: sha(n),
	}
	if p.percent(15) {
		t.Commit = ""
	}
	moved := true // the tag, before the news of it
	switch p.rng.IntN(10) {
	case 0, 1:
		t.Tag, moved = "v1", p.percent(60)
	case 2:
		t.Tag, moved = "", false
	}
	told := p.post(fmt.Sprintf("package %s:%q of commit %d, tag there %v", s.Name, t.Tag, n, moved), t)
	if !moved {
		return told
	}
	return move{text: told.text, do: func(w *world) { w.tag(s, n); told.do(w) }}
}

// post delivers a webhook, sometimes later.
func (p *plan) post(text string, t deployer.Trigger) move {
	m := move{text: text, do: func(w *world) { w.deliver(t) }}
	if p.percent(12) {
		p.late = append(p.late, m)
		return move{text: text + " (not delivered yet)", do: func(*world) {}}
	}
	return m
}

func (p *plan) deliverLate() move {
	if len(p.late) == 0 {
		return p.announce()
	}
	i := p.rng.IntN(len(p.late))
	m := p.late[i]
	p.late = append(p.late[:i:i], p.late[i+1:]...)
	m.text = "late: " + m.text
	return m
}

func (p *plan) redeliver() move {
	n := p.rng.IntN(100)
	return move{text: "redeliver", do: func(w *world) {
		if len(w.mail) > 0 {
			w.deliver(w.mail[n%len(w.mail)])
		}
	}}
}

func (p *plan) retag() move {
	s := p.service()
	n := p.recent(s.Repository)
	return move{text: fmt.Sprintf("the tag of %s moves to the image of %d", s.Name, n), do: func(w *world) { w.tag(s, n) }}
}

// tag moves a service's tag to the image of a commit.
func (w *world) tag(s deployer.Service, n int) {
	w.prepare(s, n)
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	w.registry.digests[s.Reference()] = imageOf(s, n)
}

// prepare makes the image of a commit what it is, before anybody asks for it.
func (w *world) prepare(s deployer.Service, n int) {
	image := imageOf(s, n)
	w.registry.mu.Lock()
	if labelled(s, n) {
		w.registry.revisions[image] = sha(n)
	}
	w.registry.mu.Unlock()
	if w.scripted(image) {
		return
	}
	w.script(image, func(script *deployertest.Script) {
		if labelled(s, n) {
			script.Revision = sha(n)
		}
		if broken(s, n) {
			w.never[image] = true
			script.Await = deployertest.Step{Delay: 2 * time.Second, Err: errors.New("container exited with code 3")}
		}
	})
}

func (w *world) scripted(digest string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.scripts[digest]
	return known
}

// know records that a push is in the journal, even if its sender is not told any more.
func (w *world) know(delivery string) {
	i := slices.IndexFunc(w.mail, func(t deployer.Trigger) bool { return t.Delivery == delivery })
	if t := w.mail[i]; t.Kind == deployer.KindPush {
		w.record(fact{what: pushKnown, trigger: t})
	}
}

// deliver hands a webhook to the process, which must say the same each time it comes.
func (w *world) deliver(t deployer.Trigger) {
	w.mail = append(w.mail, t)
	w.record(fact{what: delivered, text: t.Delivery, trigger: t})
	receipt, err := w.process.Submit(t)
	if err != nil {
		w.note("%s: %v", t.Delivery, err)
		return
	}
	ids := make([]string, len(receipt.Deployments))
	for i, d := range receipt.Deployments {
		ids[i] = d.ID
	}
	w.note("%s: %v, duplicate %v, ignored %q", t.Delivery, ids, receipt.Duplicate, receipt.Ignored)
	key := [2]string{t.Repository, t.Delivery}
	if first, known := w.accepted[key]; known && fmt.Sprint(first) != fmt.Sprint(ids) {
		w.wrong("delivery %s led to %v first and to %v when it came again", t.Delivery, first, ids)
	}
	if len(ids) > 0 {
		w.accepted[key] = ids
	}
}
