package main

import (
	"errors"
	"net/http"

	"fisherman/deployer"
	"fisherman/server"
)

// flawed announces a release that does not work. Its predecessor serves on, and no request notices.
func flawed(f flaw) round {
	return round{"release that " + string(f), "release that " + string(f), func(a *arena) error {
		r := a.make(frail, f)
		return a.announceAll(r).done()
	}}
}

// sickWhileBaking announces a release that gets sick right after the switch: traffic goes back.
func sickWhileBaking() round {
	return round{"release that gets sick", "release that gets sick while it bakes", func(a *arena) error {
		defer a.excuses(down, frail)()
		r := a.make(frail, sickens)
		sent := a.announceAll(r)
		if err := errors.Join(a.sickenWhileBaking(r), sent.done()); err != nil {
			return err
		}
		return a.backTo(frail, r)
	}}
}

// sickenWhileBaking waits until the old release is kept warm only, and lets the new one fail.
func (a *arena) sickenWhileBaking(r *shipment) error {
	return until("a release to get sick while it bakes", func() (bool, error) {
		var all []server.Deployment
		if err := a.read("/api/v1/deployments?limit=5&service="+r.service, &all); err != nil {
			return a.server.over(), err
		}
		for _, d := range all {
			if d.Digest != r.digest || d.State != deployer.Baking {
				continue
			}
			containers, err := a.containersOf(r.service)
			if err != nil {
				return false, err
			}
			address, err := a.addressOf(containers[0].id)
			if err != nil {
				return false, err
			}
			_, _, err = get(address, r.service+".test", "/sicken")
			return err == nil, err
		}
		return false, nil
	})
}

// backTo waits until a release that was switched back serves no longer.
func (a *arena) backTo(service string, not *shipment) error {
	return until(service+" to be switched back", func() (bool, error) {
		status, version, err := get(a.proxy, service+".test", "/")
		return status == http.StatusOK && version != service+" "+not.version, err
	})
}

// sickLater lets a release get sick long after it has succeeded. It is down, and says so; the next release mends it.
func sickLater() round {
	return round{"release that gets sick", "release that gets sick later", func(a *arena) error {
		defer a.excuses(down, frail)()
		containers, err := a.containersOf(frail)
		if err != nil {
			return err
		}
		address, err := a.addressOf(containers[0].id)
		if err == nil {
			_, _, err = get(address, "", "/sicken")
		}
		if err != nil {
			return err
		}
		err = until("frail to be down", func() (bool, error) {
			var s server.Service
			err := a.read("/api/v1/services/"+frail, &s)
			return s.State == "down", cmpErr(err, s.State)
		})
		if err != nil {
			return err
		}
		if err := a.ship(frail).done(); err != nil {
			return err
		}
		return a.backUp(frail)
	}}
}
