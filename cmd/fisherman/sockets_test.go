package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fisherman/deployer/deployertest"
)

// holder holds sockets open and passes them to one process after the other, as systemd does.
type holder struct {
	names []string
	files []*os.File
	at    map[string]string // by name: the address
	notes *net.UnixConn     // what processes tell
	path  string            // of notes
}

func newHolder(t *testing.T, names ...string) *holder {
	t.Helper()
	h := &holder{names: names, at: map[string]string{}, path: filepath.Join(t.TempDir(), "notify")}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = l.Close(), file.Close() })
		h.files, h.at[name] = append(h.files, file), l.Addr().String()
	}
	var err error
	if h.notes, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: h.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.notes.Close() })
	return h
}

// serve starts a server on the sockets. The shell becomes it: LISTEN_PID has to name the process that the sockets are for.
func (h *holder) serve(in world, config string, more ...string) (*process, error) {
	program, err := lookPath(in.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	args := append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", program, "serve", "--config", config}, more...)
	cmd := exec.Command("sh", args...)
	cmd.Dir, cmd.ExtraFiles = in.MkAbs("."), h.files
	cmd.Env = append(environ(in), fmt.Sprint("LISTEN_FDS=", len(h.files)), "LISTEN_FDNAMES="+strings.Join(h.names, ":"), "NOTIFY_SOCKET="+h.path)
	return begin(cmd)
}

// told waits for the next that a process tells.
func (h *holder) told(t *testing.T, want string) {
	t.Helper()
	_ = h.notes.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1024)
	n, err := h.notes.Read(buf)
	if got := string(buf[:n]); err != nil || got != want {
		t.Fatalf("systemd is told %q, %v; want %q", got, err, want)
	}
}

// TestSocketsOutliveTheProcess stops and kills the server under load while somebody else holds its sockets. Nobody is
// refused, and only what a killed process had in hand is lost. Mutants: a proxy that reads on after the stop and drops
// what it read; sockets that are opened anew.
func TestSocketsOutliveTheProcess(t *testing.T) {
	s := newStage(t, deployertest.App(t), t.TempDir())
	h := newHolder(t, socketHTTP, socketServer)
	config, err := filepath.Abs("testdata/load.yaml")
	if err != nil {
		t.Fatal(err)
	}
	start := func() {
		t.Helper()
		if s.server, err = h.serve(alone{s}, config); err != nil {
			t.Fatal(err)
		}
		if err := s.server.serving(); err != nil {
			t.Fatal(err)
		}
		h.told(t, "READY=1")
	}
	start()
	s.deploy(t, "1")
	v := sendVisitors(h.at[socketHTTP], "web.test", 12)
	v.more(t, 50)
	for range 2 {
		if err := s.server.end(syscall.SIGTERM, exitDone); err != nil {
			t.Fatal(err)
		}
		h.told(t, "STOPPING=1")
		start()
		v.more(t, 50)
		t.Logf("stopped and started: nobody waited longer than %s", v.pause())
	}
	killed := death{from: time.Now()}
	s.server.kill()
	killed.to = time.Now()
	start()
	v.more(t, 50)
	t.Logf("killed and started: nobody waited longer than %s", v.pause())
	v.end(t, killed)
	if s.server.proxy != h.at[socketHTTP] || s.server.api != h.at[socketServer] {
		t.Errorf("it serves on %s and %s, but was passed %v", s.server.proxy, s.server.api, h.at)
	}
	if want := `proxy.http is \"127.0.0.1:0\", but systemd passed a socket \"http\" on ` + h.at[socketHTTP] + ", and that holds"; !strings.Contains(s.server.log(), want) {
		t.Errorf("its log does not say %s", want)
	}
}

// TestASocketWithoutUseTurnsAway: without certificates nobody serves "https".
func TestASocketWithoutUseTurnsAway(t *testing.T) {
	s := newStage(t, nil, t.TempDir())
	h := newHolder(t, socketHTTPS)
	config, err := filepath.Abs("testdata/load.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.server, err = h.serve(alone{s}, config); err != nil {
		t.Fatal(err)
	}
	if err := s.server.serving(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: patience}
	if _, err := client.Get("https://" + h.at[socketHTTPS]); err == nil || os.IsTimeout(err) {
		t.Errorf("asking for HTTPS without certificates: %v, want a connection that is closed", err)
	}
	for _, want := range []string{`but there are no certificates`, `no socket named \"http\"`, `no socket named \"server\"`} {
		if !strings.Contains(s.server.log(), want) {
			t.Errorf("its log does not say %q:\n%s", want, s.server.log())
		}
	}
	if err := s.server.end(syscall.SIGTERM, exitDone); err != nil {
		t.Error(err)
	}
}

func TestSocketsThatCannotBeServedAreRefused(t *testing.T) {
	of := func(network, address, name string) *os.File {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		file, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		return fileOf(t, file, name)
	}
	tcp := func(name string) *os.File { return of("tcp", "127.0.0.1:0", name) }
	plain, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for want, files := range map[string][]*os.File{
		`named "htttp": fisherman takes http, https, server; write FileDescriptorName=http into`: {tcp("htttp")},
		`write FileDescriptorName=http or https or server into`:                                  {tcp("fisherman.socket")},
		`two sockets named "http"`: {tcp("http"), tcp("http")},
		`the socket "https" that systemd passed: it is a *net.UnixListener`: {of("unix", filepath.Join(t.TempDir(), "socket"), "https")},
		`take the socket "server" that systemd passed: `:                    {fileOf(t, plain, "server")},
	} {
		if got, err := named(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
	if got, err := named([]*os.File{tcp("server"), tcp("http")}); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := named(nil); got != nil || err != nil {
		t.Errorf("nothing passed: %v, %v", got, err)
	}
}

// fileOf is a duplicate of what something has open, under another name.
func fileOf(t *testing.T, of interface{ Fd() uintptr }, name string) *os.File {
	t.Helper()
	fd, err := syscall.Dup(int(of.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name)
}

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		configured, open string
		same             bool
	}{
		{":80", "[::]:80", true},
		{":80", "0.0.0.0:80", true},
		{"0.0.0.0:80", "[::]:80", true},
		{":80", "127.0.0.1:80", false},
		{":80", "[::]:8080", false},
		{"127.0.0.1:5000", "127.0.0.1:5000", true},
		{"127.0.0.1:5000", "[::]:5000", false},
		{"localhost:5000", "127.0.0.1:5000", true},
	} {
		open, err := net.ResolveTCPAddr("tcp", c.open)
		if err != nil {
			t.Fatal(err)
		}
		if got := sameAddress(c.configured, open); got != c.same {
			t.Errorf("%s opens %s: %t", c.configured, c.open, got)
		}
	}
}
