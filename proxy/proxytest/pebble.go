package proxytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fisherman/deployer/deployertest"
)

const patience = 30 * time.Second

const (
	pebble       = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1"
	challtestsrv = "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@v2.10.1"
)

// Pebble is a real ACME server, whose challenges go to ports of this machine, whatever the name.
type Pebble struct {
	Directory string // its URL
	Roots     string // a file of what to trust it by

	t      testing.TB
	ca     *CA
	config string
	dns    string
	life   *process
	log    lockedBuffer
}

// PebbleOptions say where challenges go and what certificates are like.
type PebbleOptions struct {
	HTTP, TLS net.Addr
	Life      time.Duration // of certificates; default 90 days
	Refuses   []string      // names that it has no certificates for
}

// NewPebble starts one until the test ends.
func NewPebble(t testing.TB, o PebbleOptions) *Pebble {
	t.Helper()
	if o.Life == 0 {
		o.Life = 90 * 24 * time.Hour
	}
	listen, management, dns := deployertest.FreeAddress(t), deployertest.FreeAddress(t), deployertest.FreeAddress(t)
	p := &Pebble{t: t, Directory: "https://" + listen + "/dir", ca: NewCA(t, "pebble"), dns: dns}
	p.Roots = p.ca.File()
	cert, key := PairFiles(t, p.ca.Server(nil, "127.0.0.1"))
	p.config = filepath.Join(t.TempDir(), "pebble.json")
	content, _ := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management, "certificate": cert, "privateKey": key,
		"httpPort": portOf(o.HTTP), "tlsPort": portOf(o.TLS), "domainBlocklist": o.Refuses, "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": int(o.Life.Seconds())}},
	}})
	WriteFile(t, p.config, content)
	run(t, &p.log, deployertest.Tool(t, challtestsrv), "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-dnsserver", dns,
		"-management", deployertest.FreeAddress(t), "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1")
	p.Start()
	return p
}

// Start starts it again. It has forgotten everything.
func (p *Pebble) Start() {
	p.t.Helper()
	p.life = run(p.t, &p.log, deployertest.Tool(p.t, pebble), "-config", p.config, "-dnsserver", p.dns)
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.ca.Pool()}, DisableKeepAlives: true}}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		res, err := client.Get(p.Directory)
		if err == nil {
			_ = res.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("pebble does not come up: %v\n%s", err, p.log.String())
		}
	}
}

// Stop makes it unreachable.
func (p *Pebble) Stop() { p.life.stop() }

// Log is what it has said.
func (p *Pebble) Log() string { return p.log.String() }

func portOf(a net.Addr) int {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 1 // nobody listens there
}

// process is a program that runs until it is stopped, or the test ends.
type process struct {
	stop func()
}

func run(t testing.TB, out io.Writer, program string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(command.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(fmt.Errorf("start %s: %w", program, err))
	}
	p := &process{stop: sync.OnceFunc(func() { cancel(); _ = command.Wait() })}
	t.Cleanup(p.stop)
	return p
}

// lockedBuffer may be read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	is bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.is.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.is.String()
}
