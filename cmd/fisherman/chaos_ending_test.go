package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"fisherman/deployer"
	"fisherman/server"
)

// endings are the ways to states that no image leads to by itself.
func endings() map[deployer.State]func(*arena) (*shipping, error) {
	return map[deployer.State]func(*arena) (*shipping, error){
		deployer.Superseded: func(a *arena) (*shipping, error) {
			if err := a.tell(a.unbuilt(web, overtaken), "push"); err != nil {
				return nil, err
			}
			return a.ship(web), nil
		},
		deployer.Cancelled: func(a *arena) (*shipping, error) {
			r := a.unbuilt(web, calledOff)
			sent := &shipping{}
			err := a.tell(r, "push")
			if err == nil {
				sent.carry(func() error { return a.callOff(r) })
			}
			return sent, err
		},
		deployer.Unchanged: func(a *arena) (*shipping, error) {
			var live server.Service
			err := a.read("/api/v1/services/"+web, &live)
			r, sent := a.unbuilt(web, already), &shipping{}
			if err == nil {
				sent.carry(func() error { return a.deployAgain(r, live.Digest) })
			}
			return sent, err
		},
	}
}

// killedEnding kills fisherman around such an end.
func killedEnding(when string, state deployer.State) round {
	point := when + " " + string(state)
	return round{"killed " + when + " a state", "killed at " + point, func(a *arena) error {
		if err := a.cycle(point); err != nil {
			return err
		}
		sent, err := endings()[state](a)
		if err != nil {
			return err
		}
		if err := a.awaitDeath(point); err != nil {
			return err
		}
		return sent.done()
	}}
}

// unbuilt is a version that no image is made of.
func (a *arena) unbuilt(service string, f flaw) *shipment {
	r := &shipment{service: service, version: a.nextVersion(service), flaw: f}
	a.ledger.add(r)
	return r
}

// callOff cancels what a push led to. Who gets no answer asks again, and may be told that it has ended.
func (a *arena) callOff(r *shipment) error {
	return until("a deployment to be cancelled", func() (bool, error) {
		status, answer, err := a.post("/api/v1/deployments/"+r.deployments[0]+"/cancel", "")
		return status == http.StatusAccepted || status == http.StatusConflict, cmpErr(err, fmt.Sprint(status, " ", answer))
	})
}

// deployAgain asks for what is live.
func (a *arena) deployAgain(r *shipment, digest string) error {
	return until("what is live to be deployed again", func() (bool, error) {
		status, answer, err := a.post("/api/v1/services/"+r.service+"/deployments", `{"reference": "`+digest+`"}`)
		if err != nil || status != http.StatusAccepted {
			return false, cmpErr(err, fmt.Sprint(status, " ", answer))
		}
		var made server.Deployment
		err = json.Unmarshal([]byte(answer), &made)
		a.ledger.accepted(r, []string{made.ID})
		return err == nil, err
	})
}

func (a *arena) post(path, body string) (status int, answer string, err error) {
	request, err := http.NewRequest(http.MethodPost, "http://"+a.api+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+apiToken)
	request.Header.Set("Content-Type", "application/json")
	return send(request)
}
