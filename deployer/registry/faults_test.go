package registry_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/registry"
)

// changing leaves a header out of the answers to a method.
func changing(method, header string) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method {
				w = without{w, header}
			}
			next.ServeHTTP(w, r)
		})
	}
}

type without struct {
	http.ResponseWriter
	header string
}

func (w without) WriteHeader(code int) {
	w.Header()[w.header] = nil // not even one that net/http would add
	w.ResponseWriter.WriteHeader(code)
}

// refusing answers a method, or every one, with code and pairs of headers.
func refusing(method string, code int, headers ...string) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if method != "" && r.Method != method {
				next.ServeHTTP(w, r)
				return
			}
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte("you sent " + r.Header.Get("Authorization")))
		})
	}
}

// login lets in only who shows the credential, and complains about what was shown instead.
func login(username, password string) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, p, _ := r.BasicAuth()
			if u == username && p == password {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
			http.Error(w, "not with "+u+":"+p, http.StatusUnauthorized)
		})
	}
}

// tokens is the way of ghcr.io and Docker Hub: another service hands out tokens, or here does not.
func tokens(code int, headers ...string) wrapper {
	refuse := refusing("", code, headers...)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				refuse(next).ServeHTTP(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	}
}

// hanging never answers.
func hanging(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// breaking ends the connection in the middle of an answer.
func breaking(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
	})
}

// endless answers GET with more than anybody should read, and HEAD with nothing of use.
func endless(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" || r.Method == http.MethodHead {
			return
		}
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
}

// gone is an address where nobody listens.
func gone(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func port(host string) string {
	_, port, _ := net.SplitHostPort(host)
	return port
}

func TestErrorsSayWhetherAnotherTryMayHelp(t *testing.T) {
	s := newStore(t)
	s.push("o/web", labelled(t, revision))
	const secret = "s3cret-pass"
	cases := map[string]struct {
		host        string
		tag         string
		notFound    bool
		unavailable bool
		retry       time.Duration // asked for; 0: not asked for
		says        string
	}{
		"no such tag":       {host: s.host, tag: "none", notFound: true, says: "no such"},
		"no such image":     {host: newStore(t).host, notFound: true, says: "no such"},
		"not a tag":         {host: s.host, tag: "../x", says: "tag"},
		"another image":     {host: s.host, tag: "1/x", says: "tag"},
		"wrong login":       {host: s.behind(login("ada", "lovelace")), says: "`registries`"},
		"forbidden":         {host: s.behind(refusing("", 403)), says: "`registries`"},
		"no token":          {host: s.behind(tokens(403)), says: "`registries`"},
		"tokens are short":  {host: s.behind(tokens(429, "Retry-After", "7")), unavailable: true, retry: 7 * time.Second},
		"seconds":           {host: s.behind(refusing("HEAD", 429, "Retry-After", "120")), unavailable: true, retry: 2 * time.Minute},
		"no seconds":        {host: s.behind(refusing("", 429)), unavailable: true, retry: time.Minute},
		"an hour":           {host: s.behind(refusing("", 429, "Retry-After", "3600")), unavailable: true, retry: 15 * time.Minute},
		"back soon":         {host: s.behind(refusing("", 503, "Retry-After", "30")), unavailable: true, retry: 30 * time.Second},
		"503":               {host: s.behind(refusing("", 503)), unavailable: true, says: "503"},
		"500 to HEAD":       {host: s.behind(refusing("HEAD", 500)), unavailable: true, says: "500"},
		"418":               {host: s.behind(refusing("", 418)), says: "418"},
		"refused":           {host: gone(t), unavailable: true, says: "refused"},
		"half an answer":    {host: s.behind(breaking), unavailable: true},
		"a bottomless pit":  {host: s.behind(endless), says: "more than"},
		"a page about milk": {host: s.behind(pages), notFound: true, says: "no such"},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			asker := client(t, map[string]registry.Credential{c.host: {Username: "eve", Password: deployer.Plain(secret)}})
			tag := c.tag
			if tag == "" {
				tag = "latest"
			}
			_, err := asker.Resolve(t.Context(), c.host+"/o/web", tag)
			if err == nil {
				t.Fatal("no error")
			}
			var retry *deployer.RetryError
			if errors.As(err, &retry) != (c.retry > 0) || retry != nil && retry.After != c.retry {
				t.Errorf("%v: want a wait of %s", err, c.retry)
			}
			if errors.Is(err, deployer.ErrNotFound) != c.notFound || errors.Is(err, deployer.ErrUnavailable) != c.unavailable {
				t.Errorf("%v: want not found %t, unavailable %t", err, c.notFound, c.unavailable)
			}
			for _, part := range []string{c.host + "/o/web", c.says} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), secret) || len(err.Error()) > 600 {
				t.Errorf("says too much: %q", err)
			}
		})
	}
}

// pages answers 404 with a page of its own, as a web server does that is no registry.
func pages(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		http.Error(w, strings.Repeat("<p>milk</p>", 10_000), http.StatusNotFound)
	})
}

func TestEveryCallHasADeadline(t *testing.T) {
	s := newStore(t)
	host := s.behind(hanging)
	_, err := within(t, 30*time.Millisecond, nil).Resolve(t.Context(), host+"/o/web", "latest")
	if !errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{}, 8)
	host := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := client(t, nil).Resolve(ctx, host+"/o/web", "latest")
		done <- err
	}()
	<-asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, deployer.ErrUnavailable) {
		t.Errorf("got %v: being told to stop is not the registry's fault", err)
	}
}

func TestARefusalIsNotRepeatedBehindTheCallersBack(t *testing.T) {
	s := newStore(t)
	for _, code := range []int{429, 500, 503} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			asked := make(chan struct{}, 100)
			host := s.behind(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodHead {
						asked <- struct{}{}
						w.WriteHeader(code)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			if _, err := client(t, nil).Resolve(t.Context(), host+"/o/web", "latest"); err == nil {
				t.Fatal("no error")
			}
			if len(asked) != 1 {
				t.Errorf("asked %d times", len(asked))
			}
		})
	}
}
