package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"fisherman/server/discord"
)

// troubles is what is wrong with the configuration where it lives, while all goes on with the one that runs. It is one thing
// to those who are told: once when it begins or is another, and once when it is over.
type troubles struct {
	warn func(discord.Warning) // which waits for nobody

	mu     sync.Mutex        // guards the fields below, and keeps in order what is told
	copied string            // why the start took the last good copy; empty: it did not, or that is over
	bad    string            // all that is wrong in a configuration that cannot be used, or what of one could not be applied
	unread map[string]string // by place, why it cannot be read
	told   string
}

// begin tells what the start has met, and with nothing that what was told before it is over.
func (t *troubles) begin(copied string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copied = copied
	t.told = strings.Join(t.listLocked(), "\n")
	t.warn(discord.Warning{About: aboutConfiguration, Reason: t.told, At: time.Now().UTC()})
}

// aboutConfiguration is what Discord's message is about.
const aboutConfiguration = "the configuration"

// refused takes note of a configuration that cannot be used. What the start met is news of yesterday then.
func (t *troubles) refused(err error) {
	t.change(func() { t.bad, t.copied = "It cannot be used; the running one stays.\n"+err.Error(), "" })
}

// applied takes note of one that works, but for its failures. All places but those in known have been read for it.
func (t *troubles) applied(failures []string, known ...string) {
	t.change(func() {
		t.bad, t.copied = strings.Join(failures, "\n"), ""
		maps.DeleteFunc(t.unread, func(place, _ string) bool { return !slices.Contains(known, place) })
	})
}

// remain takes note of what could still not be done of one.
func (t *troubles) remain(failures []string) {
	t.change(func() { t.bad = strings.Join(failures, "\n") })
}

// reading takes note of whether a place can be read.
func (t *troubles) reading(place string, err error) {
	t.change(func() {
		delete(t.unread, place)
		if err != nil {
			t.unread[place] = place + " cannot be read: " + err.Error()
		}
	})
}

// again tells somebody new of what is wrong.
func (t *troubles) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told != "" {
		t.warn(discord.Warning{About: aboutConfiguration, Reason: t.told, At: time.Now().UTC()})
	}
}

func (t *troubles) change(how func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how()
	text := strings.Join(t.listLocked(), "\n")
	if text == t.told {
		return
	}
	t.told = text
	t.warn(discord.Warning{About: aboutConfiguration, Reason: text, At: time.Now().UTC()})
}

func (t *troubles) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listLocked()
}

func (t *troubles) listLocked() []string {
	all := []string{}
	for _, text := range []string{t.copied, t.bad} {
		if text != "" {
			all = append(all, text)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(t.unread)) {
		all = append(all, t.unread[place])
	}
	return all
}
