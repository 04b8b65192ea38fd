package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"fisherman/deployer"
)

// The names of the sockets that systemd may pass (FileDescriptorName= of a socket unit), each in place of what this process
// would open at an address of the configuration.
const (
	socketHTTP   = "http"   // proxy.http
	socketHTTPS  = "https"  // proxy.https
	socketServer = "server" // server.listen
)

// sockets are listeners that somebody else holds open: when this process closes one, or dies, what waits in its queue stays
// there for the next process.
type sockets map[string]net.Listener

// passedSockets are those that systemd has passed to this process, sd_listen_fds(3); nil when it has passed none.
func passedSockets() (sockets, error) { return named(activation.Files(true)) }

// named makes listeners of files. One that nobody would accept on is an error: its connections would wait for ever.
func named(files []*os.File) (sockets, error) {
	known := []string{socketHTTP, socketHTTPS, socketServer}
	var passed sockets
	for _, file := range files {
		name := file.Name()
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("systemd passed a socket named %q: %s; write FileDescriptorName=%s into its socket unit",
				name, "fisherman takes "+strings.Join(known, ", "), cmp.Or(first(deployer.Nearest(name, known)), strings.Join(known, " or ")))
		}
		if passed[name] != nil {
			return nil, fmt.Errorf("systemd passed two sockets named %q: write one ListenStream= with it; [::]:PORT takes IPv4, too", name)
		}
		l, err := net.FileListener(file) // a duplicate: file is not needed after it
		if _, tcp := l.(*net.TCPListener); err == nil && !tcp {
			err = fmt.Errorf("it is a %T", l)
		}
		if err != nil {
			return nil, fmt.Errorf("take the socket %q that systemd passed: %w; write a ListenStream= with a TCP port into its socket unit", name, err)
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("take the socket %q that systemd passed: %w", name, err)
		}
		if passed == nil {
			passed = sockets{}
		}
		passed[name] = l
	}
	return passed, nil
}

func first(of []string) string {
	if len(of) == 0 {
		return ""
	}
	return of[0]
}

// passed is the listener that systemd holds for what key configures, nil when there is none. A passed one holds whatever the
// configuration says: it is what people connect to.
func (p *program) passed(name, key, address string) net.Listener {
	l, found := p.sockets[name]
	switch {
	case !found && len(p.sockets) > 0:
		p.Log.Warn().Msgf("systemd passed no socket named %q: %s is opened by this process, and refuses connections while that restarts", name, key)
	case found && !sameAddress(address, l.Addr()):
		p.Log.Warn().Msgf("%s is %q, but systemd passed a socket %q on %s, and that holds; make ListenStream= of its socket unit and %s the same",
			key, address, name, l.Addr(), key)
	}
	if !found {
		return nil // and not a nil pointer in an interface
	}
	p.opened = append(p.opened, l)
	return l
}

// sameAddress reports whether a configured address would have opened this socket.
func sameAddress(configured string, open net.Addr) bool {
	want, err := net.ResolveTCPAddr("tcp", configured)
	got, tcp := open.(*net.TCPAddr)
	if err != nil || !tcp || want.Port != got.Port {
		return false
	}
	everywhere := len(want.IP) == 0 || want.IP.IsUnspecified()
	return want.IP.Equal(got.IP) || everywhere && got.IP.IsUnspecified()
}

// passedHTTPS is the listener for HTTPS. Without certificates the proxy closes what connects to it: it would wait for ever.
func (p *program) passedHTTPS() net.Listener {
	switch held := p.sockets[socketHTTPS] != nil; {
	case !held && !p.Proxy.SpeaksTLS():
		return nil
	case !p.Proxy.SpeaksTLS():
		p.Log.Warn().Msgf("systemd passed a socket %q, but there are no certificates: connections to it are closed; disable its socket unit", socketHTTPS)
	}
	return p.passed(socketHTTPS, "proxy.https", p.Proxy.HTTPS)
}
