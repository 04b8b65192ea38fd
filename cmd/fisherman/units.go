package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"fisherman/server/config"
)

//go:embed units/fisherman.service
var serviceText string

//go:embed units/fisherman-names.service
var namesText string

//go:embed units/fisherman.socket
var socketText string

// Where units are, and what they name.
const (
	unitDirectory   = "/etc/systemd/system"
	serviceUnit     = "fisherman.service"
	namesUnit       = "fisherman-names.service"
	environmentFile = "/etc/fisherman/fisherman.env"
	logsDirectory   = "/var/log/fisherman" // that LogsDirectory= makes
)

// box is what the units of a machine are made from.
type box struct {
	Program  string // the path of this binary
	Config   string // its location
	State    string // a directory
	Sockets  []socketUnit
	Needless []socketUnit // that systemd is not to hold: without certificates what connects to HTTPS is turned away
	Writable []string     // directories beside those that systemd makes
}

// socketUnit is a socket that systemd is to hold.
type socketUnit struct {
	Name   string // "http"
	Key    string // "proxy.http"
	Listen string // ":80" until it is made systemd's: "80"
}

// Unit is the name of its file.
func (s socketUnit) Unit() string { return "fisherman-" + s.Name + ".socket" }

// file is one that is to be there.
type file struct{ path, content string }

// newBox decides what a machine with this configuration needs, which speaks HTTPS or not.
func newBox(program, location string, c *config.Config, https bool) (box, error) {
	if !filepath.IsAbs(c.State) {
		return box{}, fmt.Errorf("state: %q: is relative, and systemd starts fisherman in another directory; write an absolute path into the configuration", c.State)
	}
	b := box{Program: program, Config: location, State: c.State}
	if !https {
		b.Needless = []socketUnit{{Name: socketHTTPS}}
	}
	for _, s := range []socketUnit{
		{socketHTTP, "proxy.http", c.Proxy.HTTP},
		{socketHTTPS, "proxy.https", c.Proxy.HTTPS},
		{socketServer, "server.listen", c.Server.Listen},
	} {
		if s.Name == socketHTTPS && !https {
			continue
		}
		listen, err := stream(s.Listen)
		if err != nil {
			return box{}, fmt.Errorf("%s: %w", s.Key, err)
		}
		s.Listen = listen
		b.Sockets = append(b.Sockets, s)
	}
	if !within(c.State, defaultState) {
		b.Writable = append(b.Writable, c.State)
	}
	if log := c.Proxy.AccessLog.File; filepath.IsAbs(log) && !within(log, logsDirectory) {
		b.Writable = append(b.Writable, filepath.Dir(log))
	}
	return b, nil
}

func within(path, directory string) bool {
	path = filepath.Clean(path)
	return path == directory || strings.HasPrefix(path, directory+"/")
}

// stream is an address as ListenStream= takes it: a port alone stands for IPv6 and IPv4; names are not resolved there.
func stream(address string) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q: %w; write an address of this machine", address, err)
	case at.Port == 0:
		return "", fmt.Errorf("%q: systemd holds a port that is known; write one", address)
	case host == "" || at.IP.Equal(net.IPv6unspecified):
		return strconv.Itoa(at.Port), nil
	}
	return at.String(), nil
}

// files are the units of a machine. They are no text/template's work: what calls methods by name keeps the linker from leaving any
// out, and the binary becomes half as large again.
func (b box) files() ([]file, error) {
	var all []file
	var failed error
	quoted := func(quote func(string) (string, error), text string) string {
		text, err := quote(text)
		failed = errors.Join(failed, err)
		return text
	}
	var units []string
	for _, s := range b.Sockets {
		units = append(units, s.Unit())
		text := strings.NewReplacer("@KEY@", s.Key, "@LISTEN@", s.Listen, "@NAME@", s.Name).Replace(socketText)
		all = append(all, file{filepath.Join(unitDirectory, s.Unit()), text})
	}
	writable := ""
	for _, path := range b.Writable {
		writable += "ReadWritePaths=-" + quoted(quotePath, path) + "\n"
	}
	text := strings.NewReplacer("@PROGRAM@", quoted(quoteWord, b.Program), "@CONFIG@", quoted(quoteWord, b.Config),
		"@SOCKETS@", strings.Join(units, " "), "@WRITABLE@\n", writable).Replace(serviceText)
	names := strings.NewReplacer("@PROGRAM@", quoted(quoteWord, b.Program), "@STATE@", quoted(quotePath, b.State),
		"@STATEWORD@", quoted(quoteWord, b.State)).Replace(namesText)
	if failed != nil {
		return nil, fmt.Errorf("write %s: %w", serviceUnit, failed)
	}
	return append(all, file{filepath.Join(unitDirectory, namesUnit), names}, file{filepath.Join(unitDirectory, serviceUnit), text}), nil
}

// quoteWord makes one argument of a command line in a unit: systemd.syntax(7), with its specifiers and variables.
func quoteWord(text string) (string, error) {
	text, err := quotePath(text)
	return strings.ReplaceAll(text, "$", "$$"), err
}

// quotePath makes one value of a list in a unit, where variables are none.
func quotePath(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%q: control characters cannot be written into a unit", text)
	}
	text = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`).Replace(text)
	if strings.ContainsAny(text, " \"'\\;") {
		return `"` + text + `"`, nil
	}
	return text, nil
}
