package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"fisherman/proxy"
)

// TestTargetsPassByteForByte looks at the request line a backend gets, since no library shows it unchanged.
func TestTargetsPassByteForByte(t *testing.T) {
	p := start(t, proxy.Options{})
	lines := make(chan string, 1)
	point(t, p, "web", "1", only("a.pl/", wire(t, func(head []string, conn net.Conn) {
		lines <- head[0]
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})))
	for _, target := range []string{
		"/", "/?", "/a?b=c", "/?a;b", "/?a=%zz&&;=", "/?q=a+b%20c|{}^\"<>`\\", "/a%2Fb", "/a%2fb", "/%41", "//", "//a//b//",
		"/a/../b", "/a/./b/", "/..", "/a;b=c", "/a|b", "/a\"b<c>", "/[x]", "/ä", "/a:b@c,d$e&f=g+h!i*j'(k)", "/~x", "/%", "/?a?b",
	} {
		if target == "/%" {
			continue // net/http refuses a broken escape in a path
		}
		raw(t, p, "GET "+target+" HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n")
		if got, want := <-lines, "GET "+target+" HTTP/1.1"; got != want {
			t.Errorf("backend got %q, want %q", got, want)
		}
	}
}

// wire is a backend below HTTP: it gets the lines of one head for each connection.
func wire(t testing.TB, serve func(head []string, conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(head(bufio.NewReader(conn)), conn)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func head(r *bufio.Reader) (lines []string) {
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if err != nil || line == "" {
			return lines
		}
		lines = append(lines, line)
	}
}

func TestFieldsThatAppsGet(t *testing.T) {
	lo := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		send    []string
		want    []string
		absent  []string
	}{
		"as fisherman saw it": {
			want:   []string{"Host: A.pl:81", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: A.pl:81"},
			absent: []string{"User-Agent", "Accept-Encoding", "Via"},
		},
		"not as the client claims": {
			send: []string{
				"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "X-Forwarded-Port: 1",
				"X_Forwarded_For: 6.6.6.6", "x-forwarded_proto: https", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X_Real-IP: 6",
			},
			want:   []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: A.pl:81"},
			absent: []string{"6.6.6.6", "evil", "X-Forwarded-Port", "Real", "X_", "x_", "Forwarded:  "},
		},
		"unless a trusted proxy says so": {
			trusted: lo,
			send: []string{
				"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 7.7.7.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: b.pl",
				"X-Forwarded-Port: 443", "X-Real-Ip: 6.6.6.6", "X_Forwarded_For: 8.8.8.8", "Forwarded: for=9.9.9.9",
			},
			want: []string{
				"X-Forwarded-For: 6.6.6.6, 7.7.7.7, 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: b.pl",
				"X-Forwarded-Port: 443", "X-Real-Ip: 6.6.6.6", "Host: A.pl:81",
			},
			absent: []string{"8.8.8.8", "9.9.9.9"},
		},
		"a trusted proxy talks nonsense": {
			trusted: lo, send: []string{"X-Forwarded-Proto: gopher", "X-Forwarded-Host: "},
			want: []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: A.pl:81"},
		},
		"a trusted proxy leaves gaps": {
			trusted: lo, send: []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For:", "X-Forwarded-For: 7.7.7.7"},
			want: []string{"X-Forwarded-For: 6.6.6.6, 7.7.7.7, 127.0.0.1"},
		},
		"a trusted proxy knows nobody": {
			trusted: lo, send: []string{"X-Forwarded-For:"},
			want: []string{"X-Forwarded-For: 127.0.0.1"},
		},
		"trust is for others": {
			trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, send: []string{"X-Forwarded-For: 6.6.6.6"},
			want: []string{"X-Forwarded-For: 127.0.0.1"},
		},
		"no hop-by-hop fields": {
			send: []string{
				"Connection: close, X-Hop, X-Forwarded-For", "X-Hop: 1", "Keep-Alive: 1", "Proxy-Connection: x",
				"Proxy-Authorization: x", "TE: trailers, gzip", "Trailer: X", "X-End: 1",
			},
			want:   []string{"X-End: 1", "X-Forwarded-For: 127.0.0.1", "Te: trailers"},
			absent: []string{"X-Hop", "Keep-Alive", "Proxy-", "gzip", "Trailer:"},
		},
		"another protocol for the rest of the connection": {
			send: []string{"Connection: upgrade", "Upgrade: other/1"},
			want: []string{"Connection: Upgrade", "Upgrade: other/1"},
		},
		"none that carries requests past us": {
			send:   []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: H2c", "HTTP2-Settings: AAMAAABkAAQAAP__"},
			want:   []string{"X-Forwarded-For: 127.0.0.1"},
			absent: []string{"Upgrade", "Settings"},
		},
		"nor one among others": {
			send:   []string{"Connection: Upgrade", "Upgrade: other/1, h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"},
			absent: []string{"Upgrade", "Settings"},
		},
		"nor HTTP/2.0":   {send: []string{"Connection: Upgrade", "Upgrade: HTTP/2.0"}, absent: []string{"Upgrade"}},
		"nor TLS around": {send: []string{"Connection: Upgrade", "Upgrade: TLS/1.0, HTTP/1.1"}, absent: []string{"Upgrade"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, proxy.Options{TrustedProxies: c.trusted})
			heads := make(chan []string, 1)
			point(t, p, "web", "1", only("a.pl/", wire(t, func(head []string, conn net.Conn) {
				heads <- head
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			})))
			raw(t, p, "GET / HTTP/1.1\r\nHost: A.pl:81\r\n"+fields(c.send)+"Connection: close\r\n\r\n")
			got := <-heads
			for _, line := range c.want {
				if !slices.Contains(got, line) {
					t.Errorf("no %q in %q", line, got)
				}
			}
			for _, text := range c.absent {
				if strings.Contains(strings.Join(got, "\n"), text) {
					t.Errorf("%q in %q", text, got)
				}
			}
		})
	}
}

func fields(lines []string) (text string) {
	for _, line := range lines {
		text += line + "\r\n"
	}
	return text
}

func TestFieldsThatClientsGet(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", wire(t, func(_ []string, conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nX-End: 1\r\n"+
			"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 6\r\n\r\n<html>")
	})))
	answer := raw(t, p, "GET / HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n")
	for _, line := range []string{"X-End: 1", "Set-Cookie: a", "Set-Cookie: b", "Content-Length: 6", "\r\n\r\n<html>"} {
		if !strings.Contains(answer, line) {
			t.Errorf("no %q in %q", line, answer)
		}
	}
	for _, line := range []string{"X-Hop", "Keep-Alive", "Content-Type"} {
		if strings.Contains(answer, line) {
			t.Errorf("%q in %q", line, answer)
		}
	}
}

func TestTrailersPassBothWays(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	})))
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, "http://a.pl/", io.MultiReader(strings.NewReader("body")))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{"X-Sum": {"42"}}
	res, err := client(t, p).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, res); body != "body" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "late" {
		t.Errorf("got %q and trailers %v", body, res.Trailer)
	}
}

func TestEarlyHintsPass(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})))
	answer := raw(t, p, "GET / HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\nHTTP/1.1 418 ") {
		t.Errorf("got %q", answer)
	}
	old := raw(t, p, "GET / HTTP/1.0\r\nHost: a.pl\r\n\r\n") // takes the first head for the answer
	if !strings.HasPrefix(old, "HTTP/1.0 418 ") || strings.Contains(old, "103") {
		t.Errorf("over HTTP/1.0 %q", old)
	}
}

func TestExpectContinueIsTheBackendsToGive(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "got %s", body)
	})))
	const fields = " HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
	conn := dial(t, p)
	_, _ = io.WriteString(conn, "POST /take"+fields)
	reader := bufio.NewReader(conn)
	if got := head(reader); len(got) != 1 || got[0] != "HTTP/1.1 100 Continue" {
		t.Fatalf("asked to send, was told %q", got)
	}
	_, _ = io.WriteString(conn, "body")
	rest, _ := io.ReadAll(reader)
	if !strings.HasPrefix(string(rest), "HTTP/1.1 200") || !strings.HasSuffix(string(rest), "got body") {
		t.Errorf("after the body: %q", rest)
	}
	if answer := raw(t, p, "POST /refuse"+fields); !strings.HasPrefix(answer, "HTTP/1.1 403") {
		t.Errorf("a refused upload: %q", answer)
	}
}
