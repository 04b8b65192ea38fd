package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// terminalCommands are what scripts can say about terminals:
//
//	on-terminal SIZE PROGRAM [ARGS…]  run a program on a terminal of so many columns and rows, such as 120x30
//	wait-screen REGEXP                wait for something to be on its screen
//	resize SIZE                       make the terminal larger or smaller
//	press ^C                          interrupt the program
//	screen                            print what a person sees
//	ends CODE                         wait for the program to end, compare the exit code, print what a person sees
//	colours                           print how often the colour was changed
//	tidy FILE                         print a file, with placeholders: ids, times and durations are never the same
//	answering DIR                     be a server that answers from DIR: see answering
//	go-on                             let it continue its stream of events
//	away, back                        break its connections and refuse new ones; be there again
func terminalCommands() map[string]command {
	return map[string]command{
		"on-terminal": runAtTerminal, "wait-screen": waitScreen, "resize": resizeTerminal, "press": press, "screen": showScreen,
		"colours": countColours, "ends": awaitEnd, "tidy": tidyFile, "answering": answerFrom, "go-on": goOn,
		"away": func(s *stage, _ *testscript.TestScript, _ []string) (string, error) { return "", s.answering.leave() },
		"back": func(s *stage, _ *testscript.TestScript, _ []string) (string, error) { return "", s.answering.listen() },
	}
}

func runAtTerminal(s *stage, ts *testscript.TestScript, args []string) (_ string, err error) {
	if s.seat != nil {
		s.seat.rise()
	}
	s.seat, err = sit(ts, args[0], args[1], args[2:]...)
	return "", err
}

func waitScreen(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	wanted, err := regexp.Compile(args[0])
	if err != nil {
		return "", err
	}
	err = until("screen to show "+args[0], func() (bool, error) { return wanted.MatchString(s.seat.screen.String()), nil })
	return s.seat.screen.String(), err
}

func resizeTerminal(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	return "", s.seat.resize(args[0])
}

func press(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	key := strings.TrimPrefix(args[0], "^")
	_, err := s.seat.keyboard.Write([]byte{key[0] & 0x1f})
	return "", err
}

func showScreen(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	return s.seat.screen.String(), s.seat.screen.trouble()
}

func countColours(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	s.seat.screen.mu.Lock()
	defer s.seat.screen.mu.Unlock()
	return fmt.Sprintln(s.seat.screen.coloured), nil
}

func awaitEnd(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	if err := until("end", func() (bool, error) { return s.seat.over(), nil }); err != nil {
		return s.seat.screen.String(), err
	}
	<-s.seat.gone
	shown := s.seat.screen.String()
	if got := s.seat.cmd.ProcessState.ExitCode(); got != want {
		return shown, fmt.Errorf("it exited with %d, not %d", got, want)
	}
	return shown, s.seat.screen.trouble()
}

func tidyFile(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	return tidy(ts.ReadFile(args[0])), nil
}

// tidy puts placeholders where a text is never the same twice.
func tidy(text string) string {
	for _, p := range []struct{ what, by string }{
		{`\b[0-9A-HJKMNP-TV-Z]{26}\b`, "<ID>"},
		{`sha256:[0-9a-f]{64}`, "<DIGEST>"},
		{`(…|\b127\.)[0-9.:]*/o/`, "<REGISTRY>/o/"},
		{`\b\d{4}-\d\d-\d\d\b`, "<DATE>"},
		{`\b\d\d:\d\d:\d\d(\.\d{3})?`, "<TIME>"},
		{`\b(\d+h)?(\d+m)?\d+(\.\d+)?(s|m|h)\b`, "<T>"},
		{`\b[0-9a-f]{12}\b`, "<CONTAINER>"},
		{`\b(172\.\d+|192\.168)(\.\d+){2}\b`, "<ADDRESS>"},
		{`   +`, "  "},
	} {
		text = regexp.MustCompile(p.what).ReplaceAllString(text, p.by)
	}
	return text
}

// answering is a server that answers GET /api/v1/PATH with the file PATH.json of a directory, and POST alike. In there,
// {-2h5m} is the moment so long ago. The stream of events is events.txt: each `hold` waits for go-on, `lose` breaks the
// connection, and whoever comes with a Last-Event-ID is told what comes after that. What is not there, it does not know.
type answering struct {
	dir     string
	address string
	next    chan struct{} // gets an element to go on

	mu     sync.Mutex // guards server and begun
	server *httptest.Server
	begun  time.Time
}

func answerFrom(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	s.answering = &answering{dir: ts.MkAbs(args[0]), address: "127.0.0.1:0", next: make(chan struct{}, 100), begun: time.Now()}
	err := s.answering.listen()
	ts.Setenv("FISHERMAN_SERVER", "http://"+s.answering.address)
	return "", err
}

func goOn(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	s.answering.next <- struct{}{}
	return "", nil
}

func (a *answering) listen() error {
	l, err := net.Listen("tcp", a.address)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.address = l.Addr().String()
	a.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: a}}
	a.server.Start()
	return nil
}

func (a *answering) leave() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.server.CloseClientConnections()
	a.server.Close()
	return nil
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	if path == "events" {
		a.stream(w, r)
		return
	}
	answer, err := a.read(path + ".json")
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, answer)
}

var moment = regexp.MustCompile(`\{-[0-9hms.]+\}`)

// read is a file with its moments filled in.
func (a *answering) read(name string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(a.dir, name))
	return moment.ReplaceAllStringFunc(string(raw), func(ago string) string {
		d, _ := time.ParseDuration(strings.Trim(ago, "{}-"))
		return a.begun.Add(-d).Format(time.RFC3339Nano)
	}), err
}

func (a *answering) stream(w http.ResponseWriter, r *http.Request) {
	events, err := a.read("events.txt")
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if after := r.Header.Get("Last-Event-ID"); after != "" {
		_, events, _ = strings.Cut(events, "id: "+after+"\n")
		_, events, _ = strings.Cut(events, "\n\n")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for event := range strings.SplitSeq(strings.TrimSpace(events), "\n\n") {
		switch event {
		case "hold":
			select {
			case <-a.next:
			case <-r.Context().Done():
				return
			}
		case "lose":
			return
		default:
			_, _ = io.WriteString(w, event+"\n\n")
		}
		_ = http.NewResponseController(w).Flush()
	}
}
