package proxy_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"fisherman/proxy"
)

func TestRequestsGoByHostAndLongestPrefix(t *testing.T) {
	p := start(t, proxy.Options{})
	point(t, p, "web", "1", only("a.pl/", backend(t, says("web"))))
	point(t, p, "api", "1", map[string][]string{
		"a.pl/api":    {backend(t, says("api"))},
		"a.pl/api/v2": {backend(t, says("api2"))},
		"B.pl./x/":    {backend(t, says("b"))},
	})
	const ambiguous = "400"
	for url, want := range map[string]string{
		"http://a.pl":                   "web",
		"http://a.pl/":                  "web",
		"http://a.pl:8080/":             "web",
		"http://A.PL/":                  "web",
		"http://a.pl./":                 "web",
		"http://a.pl/api":               "api",
		"http://a.pl/api?x":             "api",
		"http://a.pl/api/":              "api",
		"http://a.pl/apiary":            "web",
		"http://a.pl/API":               "web",
		"http://a.pl/api/v2/x":          "api2",
		"http://a.pl/api/v20":           "api",
		"http://b.pl/x":                 "b",
		"http://b.pl/x/y":               "b",
		"http://b.pl/":                  "404",
		"http://b.pl/xy":                "404",
		"http://c.pl/":                  "404",
		"http://www.a.pl/":              "404",
		"http://a.pl/x%2Fy//z/../q;v=1": "web",
		"http://a.pl/api/x%2fy/./z":     "api",
		"http://a.pl/.well-known/x":     "web",
		"http://a.pl/api/../x":          ambiguous,
		"http://a.pl/x/../api":          ambiguous,
		"http://a.pl/x/%2e%2e/api":      ambiguous,
		"http://a.pl/%61pi":             ambiguous,
		"http://a.pl/api%2Fv2":          ambiguous,
		"http://a.pl//api":              ambiguous,
		"http://a.pl/api;x=1/v2":        ambiguous,
		"http://a.pl/api%5Cv2":          ambiguous,
		"http://a.pl/api/v2/..%2f..":    ambiguous,
	} {
		t.Run(url, func(t *testing.T) {
			status, body := get(t, p, url)
			if status != http.StatusOK {
				body = strings.SplitN(body, " ", 2)[0]
			}
			if body != want {
				t.Errorf("%s went to %s, want %s", url, body, want)
			}
		})
	}
}

func TestARouteBelongsToOneService(t *testing.T) {
	p := start(t, proxy.Options{})
	address := backend(t, says("web"))
	point(t, p, "web", "1", only("a.pl/api", address))
	if _, err := p.Point("thief", "1", only("A.pl/api/", address)); !errors.Is(err, proxy.ErrTaken) {
		t.Errorf("a second claim: %v, want ErrTaken", err)
	}
	if live := p.Live(); len(live) != 1 || live["web"] != "1" {
		t.Errorf("a refused claim changed the table: %v", live)
	}
	if _, err := remove(p, "web"); err != nil {
		t.Fatal(err)
	}
	point(t, p, "thief", "1", only("a.pl/api", address))
}

func TestPointRefusesWhatItCannotRoute(t *testing.T) {
	p := prepare(t, proxy.Options{})
	for name, routes := range map[string]map[string][]string{
		"no prefix":        {"a.pl": nil},
		"no host":          {"/": nil},
		"host with a port": {"a.pl:80/": nil},
		"malformed host":   {"a_b c/": nil},
		"dot segments":     {"a.pl/x/..": nil},
		"empty segments":   {"a.pl//x": nil},
		"escapes":          {"a.pl/%61": nil},
		"query":            {"a.pl/?x": nil},
		"backend no port":  {"a.pl/": {"127.0.0.1"}},
		"same route twice": {"a.pl/x": nil, "A.pl/x/": nil},
	} {
		if _, err := p.Point("web", "1", routes); err == nil {
			t.Errorf("%s: no error for %v", name, routes)
		}
	}
	if len(p.Live()) != 0 {
		t.Errorf("refused routes went live: %v", p.Live())
	}
}

func TestTheLiveTable(t *testing.T) {
	p := prepare(t, proxy.Options{})
	point(t, p, "worker", "7", nil)
	point(t, p, "web", "8", map[string][]string{"b.pl/": {"10.0.0.1:80", "10.0.0.2:80"}, "a.pl/x": {}})
	rows := p.Routes()
	if len(rows) != 2 || rows[0].Host != "a.pl" || rows[0].Prefix != "/x" || rows[1].Prefix != "/" ||
		rows[1].Service != "web" || rows[1].Release != "8" || len(rows[1].Backends) != 2 ||
		rows[1].Backends[0].Address != "10.0.0.1:80" {
		t.Errorf("rows: %+v", rows)
	}
	if live := p.Live(); live["worker"] != "7" || live["web"] != "8" {
		t.Errorf("live: %v", live)
	}
}

func TestFisherman_sOwnPathComesFirst(t *testing.T) {
	hook := says("own")
	p := start(t, proxy.Options{Own: proxy.Own{Host: "Deploy.pl", Path: "/webhooks/github", Handler: hook}})
	point(t, p, "web", "1", only("deploy.pl/webhooks", backend(t, says("web"))))
	for url, want := range map[string]string{
		"http://deploy.pl/webhooks/github":      "own",
		"http://DEPLOY.pl:8443/webhooks/github": "own",
		"http://deploy.pl/webhooks/github?x":    "own",
		"http://deploy.pl/webhooks/github/":     "web",
		"http://deploy.pl/webhooks/gith%75b":    "web",
		"http://other.pl/webhooks/github":       "404 Not Found\nNothing is served under this host name.\n",
		"http://deploy.pl/":                     "404 Not Found\nNothing is served under this path.\n",
	} {
		if _, body := get(t, p, url); body != want {
			t.Errorf("%s: %q, want %q", url, body, want)
		}
	}
}
