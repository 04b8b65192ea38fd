package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/proxy"
)

// request is a line of the access log, as far as these tests look at it.
type request struct {
	Path       string
	Status     int
	Weight     int
	Aborted    bool
	Service    string
	Deployment string
}

func requests(t *testing.T, text string) (all []request) {
	t.Helper()
	for line := range strings.Lines(text) {
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("not a line of JSON: %q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

// TestASampleOfTheAccessLogHasEveryFailure: of what went well a reader can count what was left out, and what failed is all
// there.
func TestASampleOfTheAccessLogHasEveryFailure(t *testing.T) {
	const well, failed, broken = 100, 7, 3
	access := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(io.Discard), AccessLog: proxy.AccessLog{Writer: access, Sample: 10}})
	point(t, p, "web", "7", map[string][]string{"a.pl/": {backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fails":
			w.WriteHeader(http.StatusInternalServerError)
		case "/breaks":
			panic(http.ErrAbortHandler)
		}
	})}})
	stop := run(t, p)
	p.Settle()
	for range well {
		get(t, p, "http://a.pl/well")
	}
	for range failed {
		get(t, p, "http://a.pl/fails")
	}
	for range broken {
		get(t, p, "http://a.pl/breaks")
	}
	stop()
	weights := map[string]int{}
	for _, r := range requests(t, access.buf.String()) {
		weights[r.Path] += r.Weight
		if r.Service != "web" || r.Deployment != "7" {
			t.Errorf("a line is about service %q and deployment %q", r.Service, r.Deployment)
		}
	}
	for path, want := range map[string]int{"/well": well, "/fails": failed, "/breaks": broken} {
		if weights[path] != want {
			t.Errorf("%s: the lines stand for %d requests, want %d", path, weights[path], want)
		}
	}
	if n := strings.Count(access.buf.String(), "\n"); n != well/10+failed+broken {
		t.Errorf("%d lines", n)
	}
}

func TestNoAccessLog(t *testing.T) {
	other := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(other), AccessLog: proxy.AccessLog{Writer: io.Discard}})
	stop := run(t, p)
	p.Settle()
	get(t, p, "http://a.pl/")
	stop()
	if other.buf.Len() != 0 {
		t.Errorf("logged %q", other.buf.String())
	}
}

// TestTheAccessFileMayBeRotatedInAnyWay by whoever does not tell: no line is lost, and none is in two pieces.
func TestTheAccessFileMayBeRotatedInAnyWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	told := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(told), AccessLog: proxy.AccessLog{File: file}})
	stop := run(t, p)
	p.Settle()
	written := func(path string) {
		t.Helper()
		get(t, p, "http://a.pl"+path)
		soon(t, path+" in the file", func() bool {
			text, _ := os.ReadFile(file)
			return strings.Contains(string(text), `"`+path+`"`)
		})
	}
	written("/first")
	for how, rotate := range map[string]func() error{
		"rename":   func() error { return os.Rename(file, file+".1") },
		"remove":   func() error { return os.Remove(file) },
		"truncate": func() error { return os.Truncate(file, 0) },
	} {
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
		written("/after-" + how)
		text, err := os.ReadFile(file)
		if got := requests(t, string(text)); err != nil || len(got) != 1 || got[0].Path != "/after-"+how {
			t.Errorf("after %s there is %+v, %v", how, got, err)
		}
	}
	stop()
	if told.buf.Len() != 0 {
		t.Errorf("it says %s", told.buf.String())
	}
}

// TestAnAccessFileThatCannotBeWrittenStopsNothing, however it cannot, and is told of once.
func TestAnAccessFileThatCannotBeWrittenStopsNothing(t *testing.T) {
	directory := t.TempDir()
	for name, file := range map[string]string{
		"full disk":    "/dev/full",
		"no directory": filepath.Join(directory, "none", "access.log"),
		"a directory":  directory,
	} {
		t.Run(name, func(t *testing.T) {
			told := &lines{}
			p := prepare(t, proxy.Options{Log: zerolog.New(told), AccessLog: proxy.AccessLog{File: file}})
			stop := run(t, p)
			p.Settle()
			for range 3 {
				if status, _ := get(t, p, "http://a.pl/"); status != http.StatusNotFound {
					t.Errorf("answered %d", status)
				}
				time.Sleep(2 * batchTime) // each request is in a batch of its own
			}
			stop()
			if n := strings.Count(told.buf.String(), "cannot write the access log"); n != 1 {
				t.Errorf("told %d times:\n%s", n, told.buf.String())
			}
		})
	}
}

// TestAnAccessFileIsWrittenAgain once it can be, beginning with a whole line, and says how many lines are lost.
func TestAnAccessFileIsWrittenAgain(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "none")
	file := filepath.Join(directory, "access.log")
	told := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(told), AccessLog: proxy.AccessLog{File: file}})
	stop := run(t, p)
	p.Settle()
	defer stop()
	get(t, p, "http://a.pl/lost")
	time.Sleep(2 * batchTime)
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	get(t, p, "http://a.pl/kept")
	line := told.find(t, "is written again")
	if line["lost"] != float64(1) {
		t.Errorf("it says %v", line)
	}
	text, err := os.ReadFile(file)
	if got := requests(t, string(text)); err != nil || len(got) != 1 || got[0].Path != "/kept" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// batchTime is how late a line may be.
const batchTime = 100 * time.Millisecond

// hanging is a log that takes nothing until it is let go.
type hanging struct{ free chan struct{} }

func (h hanging) Write(b []byte) (int, error) {
	<-h.free
	return len(b), nil
}

// TestAnAccessLogThatHangsKeepsNobodyWaiting: what does not fit is lost, and told. Mutant: Write waits for the batch.
func TestAnAccessLogThatHangsKeepsNobodyWaiting(t *testing.T) {
	out, told := hanging{make(chan struct{})}, &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(told), AccessLog: proxy.AccessLog{Writer: out}})
	stop := run(t, p)
	p.Settle()
	long := "/" + strings.Repeat("x", 30<<10)
	for range 6 << 20 / len(long) {
		if status, _ := get(t, p, "http://a.pl"+long); status != http.StatusNotFound {
			t.Fatalf("answered %d", status)
		}
	}
	close(out.free)
	stop()
	if !strings.Contains(told.buf.String(), "lines were lost") {
		t.Errorf("it says %q", told.buf.String())
	}
}

// TestALineOfTheAccessLogIsPlain whatever a stranger asks for.
func TestALineOfTheAccessLogIsPlain(t *testing.T) {
	access := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(io.Discard), AccessLog: proxy.AccessLog{Writer: access}})
	stop := run(t, p)
	p.Settle()
	raw(t, p, "GET /\u009b2J\xff HTTP/1.1\r\nHost: a.pl\r\nConnection: close\r\n\r\n")
	stranger := httptest.NewRequest(http.MethodGet, "/", nil)
	stranger.Host = "\u009b2J.pl" // HTTP/2's :authority may have anything
	p.ServeHTTP(httptest.NewRecorder(), stranger)
	stop()
	for _, escaped := range []string{"/%C2%9B2J%FF", "%C2%9B2J.pl"} {
		if !strings.Contains(access.buf.String(), escaped) {
			t.Errorf("logged %q", access.buf.String())
		}
	}
	for _, c := range access.buf.Bytes() {
		if c > '~' || c < ' ' && c != '\n' {
			t.Fatalf("%q is in %q", c, access.buf.String())
		}
	}
}

// TestTheAccessLogMovesWhileRequestsAreAnswered: each has one line, wherever that is.
func TestTheAccessLogMovesWhileRequestsAreAnswered(t *testing.T) {
	stderr, other, files := &lines{}, &lines{}, []string{filepath.Join(t.TempDir(), "a.log"), filepath.Join(t.TempDir(), "b.log")}
	places := []proxy.AccessLog{{Writer: stderr}, {File: files[0]}, {}, {File: files[1]}, {File: files[1], Sample: 1}}
	p := prepare(t, proxy.Options{Log: zerolog.New(other), AccessLog: places[0]})
	stop := run(t, p)
	p.Settle()
	const askers, each = 4, 100
	var asking sync.WaitGroup
	for i := range askers {
		asking.Go(func() {
			c := client(t, p)
			for n := range each {
				if res, err := c.Get(fmt.Sprintf("http://a.pl/%d/%d", i, n)); err != nil {
					t.Error(err)
				} else {
					_ = res.Body.Close()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { asking.Wait(); close(done) }()
	for n := 0; !isOver(done); n++ {
		p.SetAccessLog(places[n%len(places)])
		time.Sleep(time.Millisecond)
	}
	p.SetAccessLog(proxy.AccessLog{Writer: io.Discard})
	get(t, p, "http://a.pl/unsaid")
	p.SetAccessLog(proxy.AccessLog{File: files[0], Sample: 2})
	get(t, p, "http://a.pl/left/out")
	get(t, p, "http://a.pl/sampled")
	stop()
	all := stderr.buf.String() + other.buf.String()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	met := map[string]int{}
	for _, r := range requests(t, all) {
		met[r.Path]++
	}
	for path, n := range met {
		if n != 1 {
			t.Errorf("%s has %d lines", path, n)
		}
	}
	if len(met) != askers*each+1 || met["/sampled"] != 1 {
		t.Errorf("%d requests have a line, want %d and one that stands for two", len(met), askers*each)
	}
}

func isOver(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
