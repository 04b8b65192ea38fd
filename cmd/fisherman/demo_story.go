package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fisherman/deployer"
	"fisherman/server"
)

// play deploys two releases while requests go on, and says what happened.
func (d *demo) play(ctx context.Context, once bool) error {
	first, err := d.deliver(ctx, 1)
	if err != nil {
		return err
	}
	d.say("release 1 is live, %s after its webhook", took(first, deployer.Queued, deployer.Draining))
	crowd := d.gather()
	second, err := d.deliver(ctx, 2)
	if err == nil {
		err = crowd.await(ctx, "release 2")
	}
	crowd.leave()
	if err != nil {
		return err
	}
	d.say("release 2 is live, %s after its webhook; the swap itself took %s",
		took(second, deployer.Queued, deployer.Draining), took(second, deployer.Switching, deployer.Draining))
	d.say("%d requests meanwhile, %d failed", crowd.sent.Load(), crowd.failed.Load())
	if n := crowd.failed.Load(); n > 0 {
		return fmt.Errorf("%d of %d requests failed; the first one: %s", n, crowd.sent.Load(), crowd.first.Load())
	}
	if once {
		d.say("done; removing everything again")
		return nil
	}
	token, err := d.program.token.Reveal()
	if err != nil {
		return err
	}
	d.say("the app:  curl -H 'Host: %s' http://%s/", demoHost, d.program.proxy.Addr())
	d.say("the API:  curl -H 'Authorization: Bearer %s' http://%s/api/v1/services", token, d.program.listener.Addr())
	d.say("Ctrl-C ends the demo and leaves nothing behind")
	<-ctx.Done()
	return nil
}

// deliver pushes a release to the registry, as GitHub Actions would, sends the webhooks and waits for the outcome.
func (d *demo) deliver(ctx context.Context, release int) (server.Deployment, error) {
	ctx, stop := context.WithTimeout(ctx, demoTimeout)
	defer stop()
	digest, err := d.registry.push(ctx, release)
	if err != nil {
		return server.Deployment{}, err
	}
	d.say("release %d is in the registry as %.19s", release, digest)
	if _, err := d.webhook(ctx, "push", demoPush(release)); err != nil {
		return server.Deployment{}, err
	}
	id, err := d.webhook(ctx, "package", d.demoPackage(release, digest))
	if err != nil {
		return server.Deployment{}, err
	}
	d.say("GitHub's webhooks push and package are delivered: deployment %s", id)
	return d.ended(ctx, id)
}

// ended waits for a deployment to succeed.
func (d *demo) ended(ctx context.Context, id string) (server.Deployment, error) {
	now, err := d.api.Deployment(ctx, id)
	if err == nil {
		now, err = follow(ctx, io.Discard, d.api, now)
	}
	if err == nil {
		err = outcome(now)
	}
	return now, err
}

// took is the time between two states of a deployment.
func took(d server.Deployment, from, to deployer.State) time.Duration {
	var begin, end time.Time
	for _, s := range d.Steps {
		switch s.State {
		case from:
			begin = s.At
		case to:
			end = s.At
		}
	}
	return end.Sub(begin).Round(100 * time.Microsecond)
}

// crowd keeps requesting the app through the proxy and counts.
type crowd struct {
	url          string
	client       *http.Client
	sent, failed atomic.Int64
	first, last  atomic.Value // strings: the first failure, the last answer
	stop         context.CancelFunc
	members      sync.WaitGroup
}

// gather sends a crowd of four.
func (d *demo) gather() *crowd {
	ctx, stop := context.WithCancel(context.Background())
	c := &crowd{url: "http://" + d.program.proxy.Addr().String() + "/", client: &http.Client{Timeout: 10 * time.Second}, stop: stop}
	c.last.Store("")
	for range 4 {
		c.members.Go(func() {
			for ctx.Err() == nil {
				c.request()
				time.Sleep(time.Millisecond) // the demo shares the machine with what it shows
			}
		})
	}
	return c
}

func (c *crowd) request() {
	answer, err := c.ask()
	c.sent.Add(1)
	if err != nil {
		c.failed.Add(1)
		c.first.CompareAndSwap(nil, err.Error())
		return
	}
	c.last.Store(answer)
}

func (c *crowd) ask() (string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.url, nil)
	if err != nil {
		return "", err
	}
	request.Host = demoHost
	response, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return strings.TrimSpace(string(body)), err
}

// await waits until an answer is this one.
func (c *crowd) await(ctx context.Context, answer string) error {
	for c.last.Load() != answer {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// leave stops asking and waits for the last answers.
func (c *crowd) leave() {
	c.stop()
	c.members.Wait()
}
