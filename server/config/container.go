package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// account is a name or a number, as useradd(8) allows it and images use it.
var account = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@-]*[$]?$`)

// user is user or user:group, as in `docker run --user`.
func user(into *string) kind {
	return scalar[string]{into: into, word: "user[:group]", form: bare(`^[^:\s]+(:[^:\s]+)?$`), parse: func(s string) (string, error) {
		const most = 1<<31 - 1 // of Docker
		for _, one := range strings.SplitN(s, ":", 2) {
			if !account.MatchString(one) {
				return "", errors.New("is not a user; write a name or number that the image knows, such as `app`, `1000` or `1000:1000`")
			}
			if n, err := strconv.ParseUint(one, 10, 64); n > most && !errors.Is(err, strconv.ErrSyntax) {
				return "", fmt.Errorf("holds a number that is too large; write one up to %d", most)
			}
		}
		return s, nil
	}}
}

// extraHost is NAME:ADDRESS, as in `docker run --add-host`.
func extraHost(into *string) kind {
	return scalar[string]{into: into, word: "name:address", form: like(`^[^:\s]+:\S+$`), parse: func(s string) (string, error) {
		const gateway = "host-gateway" // the machine itself
		name, address, _ := strings.Cut(strings.ToLower(s), ":")
		switch {
		case !dnsName(name):
			return "", errors.New("does not begin with a host name; write `name:address`, such as `db.internal:10.0.0.5` or `machine:host-gateway`")
		case address == gateway:
			return name + ":" + gateway, nil
		}
		bare, bracketed := strings.CutPrefix(address, "[")
		if bracketed {
			bare = strings.TrimSuffix(bare, "]")
		}
		ip, err := netip.ParseAddr(bare)
		if err != nil || ip.Zone() != "" {
			return "", fmt.Errorf("does not end with an IP address; write `%s:10.0.0.5`, or `%[1]s:%s` for this machine", name, gateway)
		}
		return name + ":" + ip.String(), nil
	}}
}

// truth is yes or no, in one spelling.
func truth(into *bool) kind {
	return scalar[bool]{into: into, word: "true or false", form: form{words: []string{"true", "false"}, number: node{"type": "boolean"}}, parse: func(s string) (bool, error) {
		switch s {
		case "true", "false":
			return s == "true", nil
		}
		return false, errors.New("must be `true` or `false`")
	}}
}
