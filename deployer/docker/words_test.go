package docker

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

func TestCommand(t *testing.T) {
	for _, c := range []struct{ test, shell, want []string }{
		{nil, nil, nil},
		{[]string{}, nil, nil},
		{[]string{"NONE"}, nil, nil},
		{[]string{"CMD", "/app", "check"}, nil, []string{"/app", "check"}},
		{[]string{"CMD-SHELL", "exit 0 || exit 1"}, nil, []string{"/bin/sh", "-c", "exit 0 || exit 1"}},
		{[]string{"CMD-SHELL", "exit"}, []string{"/bin/bash", "-ec"}, []string{"/bin/bash", "-ec", "exit"}},
	} {
		if got := command(c.test, c.shell); !slices.Equal(got, c.want) {
			t.Errorf("%q: runs %q, want %q", c.test, got, c.want)
		}
	}
}

func TestEnding(t *testing.T) {
	const begun, ended, never = "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.5Z", "0001-01-01T00:00:00Z"
	for _, c := range []struct {
		state  container.State
		memory int64 // its limit
		want   string
	}{
		{container.State{ExitCode: 3, StartedAt: begun, FinishedAt: ended}, 0, "exited with code 3 after 0.4s"},
		{container.State{ExitCode: 137, OOMKilled: true, StartedAt: begun, FinishedAt: ended}, 64 << 20, "was killed for want of memory (limit 64 MiB) after 0.4s"},
		{container.State{ExitCode: 137}, 64 << 20, "exited with code 137: killed, perhaps for want of memory (limit 64 MiB)"},
		{container.State{ExitCode: 137}, 0, "exited with code 137"},
		{container.State{ExitCode: 137, OOMKilled: true}, 0, "was killed for want of memory"},
		{container.State{ExitCode: 1, Running: true, Restarting: true}, 0, "exited with code 1"},
		{container.State{Status: "created", StartedAt: never, FinishedAt: never}, 0, "was created but never started"},
		{container.State{Status: "created", ExitCode: 128, Error: "no such file"}, 0, "could not be started: no such file"},
		{container.State{Running: true, StartedAt: ended, FinishedAt: begun}, 0, "ended, and Docker started it again"},
		{container.State{Running: true, Paused: true}, 0, "is paused"},
		{container.State{ExitCode: 1, StartedAt: ended, FinishedAt: begun}, 0, "exited with code 1"},
	} {
		found := container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{
			State: &c.state, HostConfig: &container.HostConfig{Resources: container.Resources{Memory: c.memory}},
		}}
		if got := ending(found) + lasted(&c.state); got != c.want {
			t.Errorf("%+v ended as %q, want %q", c.state, got, c.want)
		}
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	said := tail{most: 10}
	for _, piece := range []string{"0123456789", "abc\x1b", "\xff!\r\n"} {
		_, _ = said.Write([]byte(piece))
	}
	if got, want := quoted(&said, ": "), ": …89abc··!"; got != want {
		t.Errorf("quoted as %q, want %q", got, want)
	}
	if got := quoted(&tail{most: 10}, ": "); got != " without a word" {
		t.Errorf("nothing is quoted as %q", got)
	}
}

func TestLinesAreWholeAndBounded(t *testing.T) {
	var into bytes.Buffer
	l := &lines{sink: &sink{mu: &sync.Mutex{}, into: &into, prefix: "web-0 | "}}
	for _, piece := range []string{"on", "e\ntwo\n\nthr", "ee", strings.Repeat("x", longest)} {
		if _, err := l.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	want := []string{"one", "two", "", "three" + strings.Repeat("x", longest-5), "xxxxx"}
	got := strings.Split(strings.TrimSuffix(into.String(), "\n"), "\n")
	if !slices.EqualFunc(got, want, func(got, want string) bool { return got == "web-0 | "+want }) {
		t.Errorf("wrote %d lines %.60q, want %.60q", len(got), got, want)
	}
}

func TestTallyTellsNowAndThen(t *testing.T) {
	var told []string
	now := time.Unix(0, 0)
	count := newTally(func(r deployer.Report) {
		told = append(told, fmt.Sprint(r.Text, " ", r.Done, " ", r.Total, " ", r.Passing))
	}, func() time.Time { return now })
	for _, text := range []string{
		`{"id":"a","status":"Downloading","progressDetail":{"current":500000,"total":10000000}}`,
		`{"id":"b","status":"Already exists","progressDetail":{}}`,
		`{"id":"a","status":"Downloading","progressDetail":{"current":2000000,"total":10000000}}`,
		`{"id":"a","status":"Download complete","progressDetail":{}}`,
		`{"id":"a","status":"Extracting","progressDetail":{"current":1,"total":10000000}}`,
	} {
		now = now.Add(150 * time.Millisecond)
		if err := eachLine(strings.NewReader(text), count.add); err != nil {
			t.Fatal(err)
		}
	}
	count.done()
	if want := []string{"pulled 500.0 kB of 10.0 MB 500000 10000000 true", "pulled 10.0 MB in 0.8s 10000000 10000000 false"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestEveryLineOfAPullMayBeItsError(t *testing.T) {
	stream := `{"status":"Pulling"}` + "\n" + `{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}`
	err := follow(strings.NewReader(stream), newTally(func(deployer.Report) {}, time.Now), func(line) {})
	if err == nil || err.Error() != "no space left on device" {
		t.Errorf("followed with %v, want the error of the last line", err)
	}
}

func TestRefusal(t *testing.T) {
	e := &Engine{}
	e.SetRegistries(map[string]Registry{"ghcr.io": {Password: deployer.Plain("hunter22")}})
	for said, c := range map[string]struct {
		again bool
		want  string
	}{
		"manifest for x not found: manifest unknown: manifest unknown":                      {false, "has no such image"},
		"pull access denied for x, repository does not exist or may require 'docker login'": {false, "check registries and its username"},
		`Head "https://ghcr.io/v2/x": unauthorized: wrong hunter22`:                         {false, "wrong [redacted]"},
		"no matching manifest for linux/arm64/v8 in the manifest list entries":              {false, "other platforms"},
		"x509: certificate signed by unknown authority":                                     {false, "does not trust"},
		"http: server gave HTTP response to HTTPS client":                                   {false, "plain HTTP"},
		"failed to register layer: write /app: no space left on device":                     {false, "free some space"},
		"toomanyrequests: You have reached your pull rate limit. denied: slow down":         {true, "toomanyrequests"},
		"received unexpected HTTP status: 503 Service Unavailable":                          {true, "503"},
		"net/http: TLS handshake timeout":                                                   {true, "timeout"},
		"dial tcp: lookup ghcr.io on 127.0.0.53:53: no such host":                           {true, "no such host"},
		"filesystem layer verification failed for digest sha256:aa":                         {true, "verification failed"},
	} {
		err := e.refusal(source{ref: "ghcr.io/o/web@sha256:aa", registry: "ghcr.io"}, errors.New(said))
		if errors.Is(err, deployer.ErrUnavailable) != c.again || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q, another try: %v", said, err, c.want, c.again)
		}
		if full := strings.Contains(said, "no space left"); errors.Is(err, deployer.ErrNoSpace) != full {
			t.Errorf("%q: %v; want that there is no space: %v", said, err, full)
		}
		if strings.Contains(err.Error(), "hunter22") || !strings.Contains(err.Error(), "ghcr.io/o/web@sha256:aa") {
			t.Errorf("%q: %v; want the image named and the password hidden", said, err)
		}
	}
}
