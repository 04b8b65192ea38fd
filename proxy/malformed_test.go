package proxy_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fisherman/proxy"
)

func TestAmbiguousAndMalformedRequestsAreRefused(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", map[string][]string{
		"a.pl/": {backend(t, says("reached"))}, "b.pl/": {backend(t, says("reached"))},
	})
	const post = "POST / HTTP/1.1\r\nHost: a.pl\r\n"
	const chunks = "\r\n5\r\nhello\r\n0\r\n\r\n"
	for name, request := range map[string]string{
		"length and chunked":           post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + chunks,
		"chunked and length":           post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + chunks,
		"with other fields between":    post + "content-length: 5\r\nX: y\r\ntransfer-encoding: chunked\r\nY: z\r\n" + chunks,
		"two lengths that differ":      post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"the same length twice":        post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"a list of lengths":            post + "Content-Length: 5, 5\r\n\r\nhello",
		"a signed length":              post + "Content-Length: +5\r\n\r\nhello",
		"a negative length":            post + "Content-Length: -5\r\n\r\nhello",
		"chunked twice":                post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunks,
		"an encoding beside chunked":   post + "Transfer-Encoding: gzip, chunked\r\n" + chunks,
		"an unknown encoding":          post + "Transfer-Encoding: xchunked\r\n" + chunks,
		"a space before the colon":     post + "Transfer-Encoding : chunked\r\n" + chunks,
		"chunked in HTTP/1.0":          "POST / HTTP/1.0\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n" + chunks,
		"a folded field":               post + "X: a\r\n b\r\n\r\n",
		"a folded encoding":            post + "Transfer-Encoding:\r\n chunked\r\n" + chunks,
		"no Host":                      "GET / HTTP/1.1\r\n\r\n",
		"an empty Host":                "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"two Hosts":                    "GET / HTTP/1.1\r\nHost: a.pl\r\nHost: b.pl\r\n\r\n",
		"the same Host twice":          "GET / HTTP/1.1\r\nHost: a.pl\r\nHost: a.pl\r\n\r\n",
		"two ports":                    "GET / HTTP/1.1\r\nHost: a.pl:80:80\r\n\r\n",
		"a port that is none":          "GET / HTTP/1.1\r\nHost: a.pl:http\r\n\r\n",
		"a user in the Host":           "GET / HTTP/1.1\r\nHost: x@a.pl\r\n\r\n",
		"a path in the Host":           "GET / HTTP/1.1\r\nHost: a.pl/x\r\n\r\n",
		"a list of Hosts":              "GET / HTTP/1.1\r\nHost: a.pl, b.pl\r\n\r\n",
		"a space in the Host":          "GET / HTTP/1.1\r\nHost: a.pl b.pl\r\n\r\n",
		"a long Host":                  "GET / HTTP/1.1\r\nHost: " + strings.Repeat("a", 300) + "\r\n\r\n",
		"an open address literal":      "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
		"absolute-form, another Host":  "GET http://a.pl/ HTTP/1.1\r\nHost: b.pl\r\n\r\n",
		"absolute-form, a longer Host": "GET http://a.pl/ HTTP/1.1\r\nHost: a.pl.b.pl\r\n\r\n",
		"absolute-form with a user":    "GET http://b.pl@a.pl/ HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"CONNECT":                      "CONNECT a.pl:80 HTTP/1.1\r\nHost: a.pl:80\r\n\r\n",
		"CONNECT to a path":            "CONNECT / HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"OPTIONS *":                    "OPTIONS * HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"GET *":                        "GET * HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a fragment":                   "GET /x#y HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a broken escape":              "GET /%zz HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a relative target":            "GET x HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a target without a host":      "GET http:/x?y HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"with an empty host":           "GET http:///x HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"of another scheme":            "GET foo:/secret HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"without a path":               "GET mailto:a@b HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"with a query alone":           "GET x:?q HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a space in the target":        "GET /x y HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a control byte in the target": "GET /\x01 HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"a control byte in a field":    "GET / HTTP/1.1\r\nHost: a.pl\r\nX: a\x00b\r\n\r\n",
		"a bare CR in a field":         "GET / HTTP/1.1\r\nHost: a.pl\r\nX: a\rb\r\n\r\n",
		"a field without a colon":      "GET / HTTP/1.1\r\nHost: a.pl\r\nX\r\n\r\n",
		"a field without a name":       "GET / HTTP/1.1\r\nHost: a.pl\r\n: x\r\n\r\n",
		"a bad method":                 "G(T / HTTP/1.1\r\nHost: a.pl\r\n\r\n",
		"HTTP/2 without TLS":           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"HTTP/0.9":                     "GET /\r\n\r\n",
		"another version":              "GET / HTTP/3.0\r\nHost: a.pl\r\n\r\n",
		"an endless head":              "GET / HTTP/1.1\r\nHost: a.pl\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			answer := raw(t, p, request)
			if !strings.HasPrefix(answer, "HTTP/1.1 4") && !strings.HasPrefix(answer, "HTTP/1.1 5") {
				t.Errorf("answered %q", answer)
			}
			if strings.Contains(answer, "reached") {
				t.Errorf("reached the app: %q", answer)
			}
		})
	}
}

func TestRefusalsComeHoweverTheHeadArrives(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	request := "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	for cut := 1; cut < len(request); cut += 3 {
		conn := dial(t, p)
		_, _ = io.WriteString(conn, request[:cut])
		time.Sleep(time.Millisecond) // so that the two parts are read apart most of the time; either way must be refused
		_, _ = io.WriteString(conn, request[cut:])
		answer, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 501") {
			t.Errorf("cut at %d: answered %q", cut, answer)
		}
	}
}

// TestWellFormedOdditiesPass shows that the guard follows bodies: what looks like a bad head inside one is none.
func TestWellFormedOdditiesPass(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, echo)))
	const bad = "\nPOST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" // 67 bytes
	for name, request := range map[string]string{
		"in a body":             "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 67\r\n\r\n" + bad,
		"in a chunk":            "POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: chunked\r\n\r\n43;x=y\r\n" + bad + "\r\n0\r\nX: y\r\n\r\n",
		"over two chunks":       "POST / HTTP/1.1\r\nHost: a.pl\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n\n\r\n42\r\n" + bad[1:] + "\r\n0\r\n\r\n",
		"absolute-form":         "POST http://a.pl/ HTTP/1.1\r\nHost: A.pl\r\nContent-Length: 67\r\n\r\n" + bad,
		"HTTP/1.0":              "POST / HTTP/1.0\r\nHost: a.pl\r\nContent-Length: 67\r\n\r\n" + bad,
		"bare line feeds":       "POST / HTTP/1.1\nHost: a.pl\nContent-Length: 67\n\n" + bad,
		"an empty line between": "POST / HTTP/1.1\r\nHost: a.pl\r\nContent-Length: 67\r\n\r\n" + bad + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if len(bad) != 67 {
				t.Fatalf("the body has %d bytes", len(bad))
			}
			next := "GET /next HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n"
			if name == "HTTP/1.0" {
				next = ""
			}
			answer := raw(t, p, request+next)
			if !strings.Contains(answer, bad) || next != "" && strings.Count(answer, "HTTP/1.1 200") != 2 {
				t.Errorf("answered %q", answer)
			}
		})
	}
}

// TestTooManyFieldsAreRefused before the head is whole: each costs net/http many times its length. Mutant: no maxFields.
func TestTooManyFieldsAreRefused(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("reached"))))
	many := func(n int) string { // and the Host
		head := "GET / HTTP/1.1\r\nHost: a.pl\r\n"
		for i := range n - 1 {
			head += fmt.Sprintf("%x:\r\n", i)
		}
		return head
	}
	if answer := raw(t, p, many(501)); !strings.HasPrefix(answer, "HTTP/1.1 400") {
		t.Errorf("501 in an unfinished head: %q", answer)
	}
	const next = "\r\nGET / HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n"
	if answer := raw(t, p, many(500)+next); strings.Count(answer, "reached") != 2 {
		t.Errorf("500, and then one more request: %q", answer)
	}
}

func TestUnfinishedHeadsAreCut(t *testing.T) {
	p := start(t, proxy.Options{Timeouts: proxy.Timeouts{ReadHeader: 50 * time.Millisecond}})
	if answer := raw(t, p, "GET / HTTP/1.1\r\nHost: a"); answer != "" {
		t.Errorf("answered %q", answer)
	}
}
