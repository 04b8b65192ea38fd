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
		sent := a.ship(web, single)
		a.pause(1500 * time.Millisecond)
		err := a.crash(func() error {
			if strings.Contains(d.name, "journal") {
				a.ledger.change("", func(r *shipment) { r.forgotten = true })
			}
			return d.do(a.state())
		})
		if err := errors.Join(err, sent.done()); err != nil {
			return err
		}
		if !strings.Contains(d.name, "journal") {
			return a.setAside("routes.json")
		}
		// What was announced before is unknown now, so GitHub's redeliveries and the next release decide.
		if err := a.setAside("journal.db"); err != nil {
			return err
		}
		return a.ship(web, single).done()
	}}
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
