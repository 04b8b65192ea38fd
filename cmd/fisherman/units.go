package main

import (
	"embed"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"fisherman/server/config"
)

//go:embed units/fisherman.service units/fisherman.socket
var unitTemplates embed.FS

// Where units are, and what they name.
const (
	unitDirectory   = "/etc/systemd/system"
	serviceUnit     = "fisherman.service"
	environmentFile = "/etc/fisherman/fisherman.env"
	logsDirectory   = "/var/log/fisherman" // that LogsDirectory= makes
)

// box is what the units of a machine are made from.
type box struct {
	Program  string // the path of this binary
	Config   string // its location
	Sockets  []socketUnit
	Writable []string // directories beside those that systemd makes
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

// newBox decides what a machine with this configuration needs.
func newBox(program, location string, c *config.Config) (box, error) {
	b := box{Program: program, Config: location}
	for _, s := range []socketUnit{
		{socketHTTP, "proxy.http", c.Proxy.HTTP},
		{socketHTTPS, "proxy.https", c.Proxy.HTTPS},
		{socketServer, "server.listen", c.Server.Listen},
	} {
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

// files renders the units of a machine.
func (b box) files() ([]file, error) {
	templates, err := template.New("").Funcs(template.FuncMap{"word": quoteWord, "path": quotePath}).ParseFS(unitTemplates, "units/*")
	if err != nil {
		return nil, err
	}
	var all []file
	render := func(name, as string, from any) error {
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, name, from); err != nil {
			return fmt.Errorf("write %s: %w", as, err)
		}
		all = append(all, file{filepath.Join(unitDirectory, as), text.String()})
		return nil
	}
	for _, s := range b.Sockets {
		if err := render("fisherman.socket", s.Unit(), s); err != nil {
			return nil, err
		}
	}
	return all, render(serviceUnit, serviceUnit, b)
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
