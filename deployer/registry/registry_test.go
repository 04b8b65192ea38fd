package registry_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"fisherman/deployer"
	"fisherman/deployer/registry"
)

var _ deployer.Registry = (*registry.Client)(nil)

func TestResolveGivesTheDigestOfWhatTheTagNames(t *testing.T) {
	s := newStore(t)
	here, elsewhere := "linux/"+runtime.GOARCH, "linux/s390x"
	single := s.push("o/single", labelled(t, revision))
	several := s.push("o/several", index(map[string]v1.Image{
		here:      labelled(t, revision),
		elsewhere: labelled(t, strings.Repeat("f", 40)),
	}))
	noDigest := s.behind(changing(http.MethodHead, "Docker-Content-Digest"))
	noLength := s.behind(changing(http.MethodHead, "Content-Length"))
	noHead := s.behind(refusing(http.MethodHead, http.StatusMethodNotAllowed))
	cases := map[string]struct{ image, want string }{
		"an image":                         {s.host + "/o/single", single},
		"an index, not one of its images":  {s.host + "/o/several", several},
		"a HEAD without a digest":          {noDigest + "/o/several", several},
		"a HEAD without a length":          {noLength + "/o/single", single},
		"a registry that refuses all HEAD": {noHead + "/o/several", several},
		"a name instead of an address":     {"localhost:" + port(s.host) + "/o/single", single},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			got, err := client(t, nil).Resolve(t.Context(), c.image, "latest")
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestRevisionIsTheLabelOfThisPlatformsImage(t *testing.T) {
	s := newStore(t)
	here, elsewhere := "linux/"+runtime.GOARCH, "linux/s390x"
	other := labelled(t, strings.Repeat("f", 40))
	cases := map[string]struct {
		digest string
		want   string
	}{
		"image":            {s.push("o/web", labelled(t, revision)), revision},
		"no labels":        {s.push("o/web", image(t, nil)), ""},
		"not a commit":     {s.push("o/web", labelled(t, "v1.2.3")), ""},
		"more than one":    {s.push("o/web", labelled(t, revision+"0")), ""},
		"index":            {s.push("o/web", index(map[string]v1.Image{elsewhere: other, here: labelled(t, revision)})), revision},
		"not for this one": {s.push("o/web", index(map[string]v1.Image{elsewhere: other})), ""},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			got, err := client(t, nil).Revision(t.Context(), s.host+"/o/web", c.digest)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestMirrorIsAskedFirstAndTheRegistryWhenItIsOfNoHelp(t *testing.T) {
	origin, mirror := newStore(t), newStore(t)
	atOrigin := origin.push("o/web", labelled(t, revision))
	atMirror := mirror.push("o/web", labelled(t, strings.Repeat("f", 40)))
	cases := map[string]struct{ mirror, want string }{
		"it has the image":     {mirror.host, atMirror},
		"it lacks the image":   {newStore(t).host, atOrigin},
		"it has had enough":    {mirror.behind(refusing("", http.StatusTooManyRequests)), atOrigin},
		"it is out of order":   {mirror.behind(refusing("", http.StatusBadGateway)), atOrigin},
		"it is not even there": {gone(t), atOrigin},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			asker := client(t, map[string]registry.Credential{origin.host: {Mirror: c.mirror}})
			got, err := asker.Resolve(t.Context(), origin.host+"/o/web", "latest")
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestCredentialsGoToTheirOwnRegistryOnly(t *testing.T) {
	s := newStore(t)
	want := s.push("o/web", labelled(t, revision))
	private := s.behind(login("ada", "lovelace"))
	mirrored := s.behind(login("", "")) // fails for whoever shows any credential
	asker := client(t, map[string]registry.Credential{
		private:          {Username: "ada", Password: deployer.Plain("lovelace")},
		"ghcr.io":        {Username: "ada", Password: deployer.Plain("lovelace"), Mirror: mirrored},
		"localhost:1":    {Mirror: private},
		"127.0.0.1:9999": {Username: "eve", Password: deployer.Plain("wrong"), Mirror: private},
	})
	for _, image := range []string{private + "/o/web", "ghcr.io/o/web", "localhost:1/o/web", "127.0.0.1:9999/o/web"} {
		if got, err := asker.Resolve(t.Context(), image, "latest"); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", image, got, err, want)
		}
	}
}

// inMemory stands in for the whole network: one handler, whatever the host.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, r)
	result := answer.Result()
	result.Request = r
	return result, nil
}

func TestDockerHubIsKnownByItsCommonName(t *testing.T) {
	s := newStore(t)
	want := s.push("library/web", labelled(t, revision))
	network := inMemory{login("ada", "lovelace")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "index.docker.io" {
			t.Errorf("asked %s", r.URL)
		}
		s.handler.ServeHTTP(w, r)
	}))}
	asker, err := registry.New(registry.Options{
		Credentials: map[string]registry.Credential{"docker.io": {Username: "ada", Password: deployer.Plain("lovelace")}},
		Transport:   network,
	})
	must(t, err)
	for _, image := range []string{"web", "docker.io/library/web", "index.docker.io/library/web"} {
		if got, err := asker.Resolve(t.Context(), image, "latest"); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", image, got, err, want)
		}
	}
}

func TestNewRefusesWhatIsNoRegistry(t *testing.T) {
	for _, c := range []map[string]registry.Credential{
		{"https://ghcr.io": {}},
		{"ghcr.io": {Mirror: "http://127.0.0.1:5555"}},
	} {
		if _, err := registry.New(registry.Options{Credentials: c}); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
}

// TestAPasswordThatCouldNotBeHad is told, and asked for again: it may come any time.
func TestAPasswordThatCouldNotBeHad(t *testing.T) {
	s := newStore(t)
	s.push("o/web", labelled(t, revision))
	gone := map[string]registry.Credential{s.host: {Username: "me", Password: deployer.Lacking("s3://b/pw cannot be reached")}}
	c := client(t, gone)
	if _, err := c.Resolve(t.Context(), s.host+"/o/web", "latest"); !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "s3://b/pw cannot be reached") {
		t.Errorf("without: %v", err)
	} else if strings.Contains(err.Error(), s.host+" is "+deployer.ErrUnavailable.Error()) {
		t.Errorf("the registry is blamed: %v", err)
	}
	must(t, c.SetCredentials(nil))
	if _, err := c.Resolve(t.Context(), s.host+"/o/web", "latest"); err != nil {
		t.Errorf("with another configuration: %v", err)
	}
}
