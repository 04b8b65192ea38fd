package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fisherman/deployer"
	"fisherman/server/client"
)

const (
	defaultServer = "http://127.0.0.1:5000"
	defaultState  = "/var/lib/fisherman"
)

// connection is how a client command reaches the server.
type connection struct {
	server string
	token  string
}

// flags adds --server and --token to a command.
func (r *connection) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.server, "server", "", "address of the server (FISHERMAN_SERVER; default "+defaultServer+")")
	cmd.Flags().StringVar(&r.token, "token", "", "the API's token (FISHERMAN_TOKEN; default: the token file of "+defaultState+", when readable, for a server on this machine)")
}

func (r *connection) connect() (*client.Client, error) {
	server := cmp.Or(r.server, os.Getenv("FISHERMAN_SERVER"), defaultServer)
	secret := cmp.Or(r.token, os.Getenv("FISHERMAN_TOKEN"))
	if secret == "" && onThisMachine(server) { // another machine has another token
		raw, _ := readOwn(filepath.Join(defaultState, tokenFile)) // without it the server says what is missing
		secret = strings.TrimSpace(string(raw))
	}
	c, err := client.New(server, deployer.Plain(secret))
	if err != nil {
		return nil, usageError{err}
	}
	c.Version = version().String()
	return c, nil
}

// onThisMachine reports whether an address is a loopback one.
func onThisMachine(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escaped(b.String()))
	return err
}

// escaped spells out those control characters that encoding/json leaves as they are (U+007F to U+009F) and terminals obey.
func escaped(raw string) string {
	var b strings.Builder
	for _, r := range raw {
		if r >= 0x7f && r <= 0x9f {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
