package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patrons use everything that a box serves, all the time, and know who has to answer. Some keep their connections, with
// HTTP/2 where there is TLS, as browsers do; the others make one for each request.
type patrons struct {
	t    testing.TB
	stop context.CancelFunc
	wait sync.WaitGroup

	mu    sync.Mutex // guards doors, and what is in each
	doors []*door
}

// door is an address that people know.
type door struct {
	url      string
	by       []string // who may answer; "308": a redirect to HTTPS
	shut     bool     // nobody comes any more
	inside   int      // requests in flight
	answered int
	failed   []error
}

// sendPatrons sends so many. at says where a port is really served: ":443" to "127.0.0.1:41234".
func sendPatrons(t testing.TB, count int, at map[string]string, config *tls.Config) *patrons {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &patrons{t: t, stop: stop}
	t.Cleanup(p.leave)
	for n := range count {
		client := clientOf(at, config, n%2 == 0)
		p.wait.Go(func() {
			defer client.CloseIdleConnections()
			for turn := n; ctx.Err() == nil; turn++ {
				if d, entered, path := p.enter(turn); d != nil {
					by, err := d.visit(client, path)
					p.left(d, entered, by, err)
				}
				time.Sleep(10 * time.Millisecond) // they share the machine with what they test
			}
		})
	}
	return p
}

// clientOf is a browser's, or that of a program that keeps no connection.
func clientOf(at map[string]string, config *tls.Config, keeps bool) *http.Client {
	return &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: config.Clone(), ForceAttemptHTTP2: keeps, DisableKeepAlives: !keeps,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				return (&net.Dialer{}).DialContext(ctx, network, at[":"+port])
			},
		},
	}
}

// enter picks a door; of its requests, some take the app a while.
func (p *patrons) enter(turn int) (*door, []string, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := slices.DeleteFunc(slices.Clone(p.doors), func(d *door) bool { return d.shut })
	if len(open) == 0 {
		return nil, nil, ""
	}
	d := open[turn%len(open)]
	d.inside++
	path := "anything"
	if turn%3 == 0 && strings.Count(d.url, "/") == 3 { // the app knows it without a prefix only
		path = "slow?ms=100"
	}
	return d, d.by, path
}

// left judges an answer by who might give it when the request was made, and by who may now.
func (p *patrons) left(d *door, entered []string, by string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.inside--
	switch {
	case err != nil:
	case !slices.Contains(d.by, by) && !slices.Contains(entered, by):
		err = fmt.Errorf("%s answered, want %s", by, strings.Join(d.by, " or "))
	default:
		d.answered++
		return
	}
	d.failed = append(d.failed, fmt.Errorf("%s: %s: %w", time.Now().Format("15:04:05.000"), d.url, err))
}

// visit asks and returns who answered: "sso" of "sso/2".
func (d *door) visit(client *http.Client, path string) (by string, err error) {
	response, err := client.Get(d.url + path)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", err
	}
	switch response.StatusCode {
	case http.StatusOK:
		by, _, _ = strings.Cut(string(body), "/")
		return by, nil
	case http.StatusPermanentRedirect:
		return "308", redirects(response)
	}
	return "", fmt.Errorf("%s: %s", response.Status, body)
}

// redirects wants a redirect to the same, over HTTPS; the port is whatever the test's is.
func redirects(response *http.Response) error {
	to, err := response.Location()
	from := response.Request.URL
	if err == nil && (to.Scheme != "https" || to.Hostname() != from.Host || to.RequestURI() != from.RequestURI()) {
		err = fmt.Errorf("%s redirects to %s", from, to)
	}
	return err
}

// use has them come to a door from now on, where one of these has to answer.
func (p *patrons) use(url string, by ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.doors {
		if d.url == url {
			d.by, d.shut = by, false
			return
		}
	}
	p.doors = append(p.doors, &door{url: url, by: by})
}

// shun has nobody come to a host any more, and returns once nobody is there.
func (p *patrons) shun(host string) {
	p.t.Helper()
	err := until("nobody at "+host, func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		inside := 0
		for _, d := range p.doors {
			if strings.Contains(d.url, "://"+host+"/") {
				d.shut = true
				inside += d.inside
			}
		}
		return inside == 0, nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// more waits until every door that is used has been answered at so many more times.
func (p *patrons) more(count int) {
	p.t.Helper()
	p.mu.Lock()
	want := map[*door]int{}
	for _, d := range p.doors {
		want[d] = d.answered + count
	}
	p.mu.Unlock()
	err := until("answers", func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for d, want := range want {
			if !d.shut && d.answered < want && len(d.failed) == 0 {
				return false, fmt.Errorf("%s: %d of %d", d.url, d.answered, want)
			}
		}
		return true, nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.complain()
}

// complain fails the test at the first request that has failed, so that it is known after what.
func (p *patrons) complain() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.doors {
		for _, err := range d.failed {
			p.t.Errorf("a request failed: %v", err)
		}
		d.failed = nil
	}
}

// leave sends them home.
func (p *patrons) leave() {
	p.stop()
	p.wait.Wait()
}

func (p *patrons) answered() (sum int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.doors {
		sum += d.answered
	}
	return sum
}
