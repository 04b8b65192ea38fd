package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fisherman/proxy"
)

// asProxy turns the test binary into one of the two proxies that BenchmarkCPUPerRequest compares.
func asProxy() bool {
	kind, target := os.Getenv("BENCH_PROXY"), os.Getenv("BENCH_BACKEND")
	switch kind {
	case "":
		return false
	case "bare":
		serveUntilStdinEnds(bareProxy(target))
	default:
		serveUntilStdinEnds(fullProxy(target))
	}
	return true
}

// bareProxy is a reverse proxy as one would write it with the standard library and nothing else, with the timeouts that
// it needs on the Internet: no log, no metrics, no routes, no guard.
func bareProxy(target string) (net.Listener, func(net.Listener)) {
	to := &url.URL{Scheme: "http", Host: target}
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256, DisableCompression: true,
			IdleConnTimeout: time.Minute, ResponseHeaderTimeout: time.Minute,
		},
		BufferPool: &pool{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
	}
	listener := listenOrDie()
	server := &http.Server{Handler: reverse, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute}
	return listener, func(l net.Listener) { _ = server.Serve(l) }
}

type pool struct{ sync.Pool }

func (p *pool) Get() []byte  { return p.Pool.Get().(*[32 << 10]byte)[:] }
func (p *pool) Put(b []byte) { p.Pool.Put((*[32 << 10]byte)(b)) }

// fullProxy is ours, with access log (to a file), metrics and a table of a hundred hosts.
func fullProxy(target string) (net.Listener, func(net.Listener)) {
	directory, err := os.MkdirTemp("", "bench")
	orDie(err)
	log, err := os.Create(filepath.Join(directory, "access.log"))
	orDie(err)
	listener := listenOrDie()
	p, err := proxy.New(proxy.Options{
		Listener: listener, File: filepath.Join(directory, "routes.json"),
		Log: zerolog.New(io.Discard).With().Timestamp().Logger(), AccessLog: proxy.AccessLog{Writer: log}, Metrics: prometheus.NewRegistry(),
	})
	orDie(err)
	for i := range 100 {
		_, err = p.Point(fmt.Sprint("web", i), "1", map[string][]string{fmt.Sprintf("a%d.pl/", i): {target}})
		orDie(err)
	}
	return listener, func(net.Listener) {
		_ = p.Run(context.Background())
		_ = os.RemoveAll(directory)
	}
}

func listenOrDie() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	orDie(err)
	return listener
}

func orDie(err error) {
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveUntilStdinEnds prints its address, and for each line that comes in the CPU time used so far.
func serveUntilStdinEnds(listener net.Listener, serve func(net.Listener)) {
	go serve(listener)
	fmt.Println(listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var usage syscall.Rusage
		orDie(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		fmt.Println(usage.Utime.Nano() + usage.Stime.Nano())
	}
}

// subject is a proxy in a process of its own, so that its CPU time is nobody else's.
type subject struct {
	address string
	in      io.WriteCloser
	out     *bufio.Scanner
	command *exec.Cmd
	spent   time.Duration
	client  *http.Client
}

func newSubject(b *testing.B, kind, target string) *subject {
	b.Helper()
	s := &subject{command: exec.Command(os.Args[0])}
	s.command.Env = append(os.Environ(), "BENCH_PROXY="+kind, "BENCH_BACKEND="+target)
	s.command.Stderr = os.Stderr
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.in.Close(); _ = s.command.Wait() })
	s.out = bufio.NewScanner(out)
	s.out.Scan()
	s.address = s.out.Text()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	b.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	return s
}

func (s *subject) cpu() (spent time.Duration) {
	_, _ = fmt.Fprintln(s.in)
	s.out.Scan()
	_, _ = fmt.Sscan(s.out.Text(), (*int64)(&spent))
	return spent
}

// load sends n requests over a few connections and adds the CPU time that took.
func (s *subject) load(b *testing.B, n int) {
	const clients = 8
	before := s.cpu()
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range n / clients {
				req, _ := http.NewRequest(http.MethodGet, "http://"+s.address+"/some/path?with=query", nil)
				req.Host = "a7.pl"
				for i := range 8 {
					req.Header.Set(fmt.Sprint("X-Field-", i), "of a browser's usual length, or so")
				}
				res, err := s.client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	group.Wait()
	s.spent += s.cpu() - before
}

// BenchmarkCPUPerRequest compares the CPU time of a request through this proxy with one through a bare reverse proxy,
// in turns, so that both see the same weather. It has to stay at or below 1.15.
func BenchmarkCPUPerRequest(b *testing.B) {
	const round = 4000
	body := strings.Repeat("x", 1000)
	target := backend(b, says(body))
	bare, full := newSubject(b, "bare", target), newSubject(b, "full", target)
	bare.load(b, round)
	full.load(b, round)
	bare.spent, full.spent = 0, 0
	rounds := max(b.N, 8)
	for range rounds {
		bare.load(b, round)
		full.load(b, round)
	}
	requests := float64(rounds * round)
	b.ReportMetric(float64(bare.spent.Microseconds())/requests, "bare-cpu-µs/req")
	b.ReportMetric(float64(full.spent.Microseconds())/requests, "cpu-µs/req")
	b.ReportMetric(float64(full.spent)/float64(bare.spent), "ratio")
	b.ReportMetric(0, "ns/op")
}
