package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// full fills the disk of the state while deployments are under way, and empties it again.
func full() round {
	return round{"disk full", "disk full", func(a *arena) error {
		releases := []*shipment{a.make(web, sound), a.make(single, sound)}
		const noSpace = "no space left"
		a.ledger.change("", func(r *shipment) {
			for _, now := range releases {
				if r.digest == now.digest {
					r.forgiven = noSpace
				}
			}
		})
		sent := &shipping{}
		early := a.random.IntN(2) == 0
		if early {
			sent = a.announceAll(releases...)
			a.pause(700 * time.Millisecond)
		}
		empty, err := a.disk.fill()
		if err != nil {
			return err
		}
		if !early {
			sent = a.announceAll(releases...)
		}
		time.Sleep(500 * time.Millisecond)
		a.pause(1500 * time.Millisecond)
		return errors.Join(empty(), sent.done())
	}}
}

// damaged kills fisherman in the middle of deployments, damages one of its files and starts it again. With the journal
// its history is lost; the apps serve on.
func damaged(d damage) round {
	_, file, _ := strings.Cut(d.name, " ")
	return round{file + " damaged", d.name, func(a *arena) error {
		if strings.Contains(d.name, "journal") {
			return a.loseJournal(d)
		}
		sent := a.ship(web, single)
		a.pause(1500 * time.Millisecond)
		if err := errors.Join(a.crash(func() error { return d.do(a.state()) }), sent.done()); err != nil {
			return err
		}
		return a.setAside("routes.json")
	}}
}

// loseJournal does so in the middle of deployments.
func (a *arena) loseJournal(d damage) error {
	begun := time.Now()
	before, err := a.containersOf(single)
	if err != nil {
		return err
	}
	sent := a.ship(web, single)
	a.pause(1500 * time.Millisecond)
	err = a.crash(func() error {
		a.ledger.change("", func(r *shipment) { r.forgotten = true })
		return d.do(a.state())
	})
	ready := time.Now()
	if err := errors.Join(err, a.excuseDying(before[0].id, begun, ready), sent.done()); err != nil {
		return err
	}
	// What was announced before is unknown now, so GitHub's redeliveries and the next release decide.
	if err := a.setAside("journal.db"); err != nil {
		return err
	}
	return a.ship(web, single).done()
}

// excuseDying opens a window if the live container was being stopped when its fisherman was killed, and ended so late that
// the next one could not know.
func (a *arena) excuseDying(id string, begun, ready time.Time) error {
	d, err := a.lookFor(id, begun, ready)
	if err != nil {
		return err
	}
	if _, is := d.unknowable(ready, ready); !is {
		return nil
	}
	err = a.backUp(single)
	w, _ := d.unknowable(ready, time.Now())
	a.windows = append(a.windows, w)
	return err
}

// setAside reports whether the damaged file was kept for a look at it.
func (a *arena) setAside(name string) error {
	found, err := filepath.Glob(filepath.Join(a.state(), name+".*-*"))
	if err == nil && len(found) == 0 {
		files, _ := os.ReadDir(a.state())
		err = fmt.Errorf("the damaged %s was not set aside; there are %v", name, files)
	}
	for _, file := range found {
		err = errors.Join(err, os.Remove(file)) // the file system is small
	}
	return err
}
