package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// asciiDigits is a whole label of digits: a name that ends in one is a mistyped IP address.
var asciiDigits = regexp.MustCompile(`^[0-9]+$`)

// hostForm is what a host without scheme, port and path looks like.
const hostForm = `^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`

// host is a DNS name or an IPv4 address, in lower case.
func host(into *string) kind {
	return scalar[string]{into: into, word: "host name", form: like(hostForm), parse: func(s string) (string, error) {
		name, err := parseHost(s)
		if strings.Contains(name, ":") {
			return "", errors.New("is an IPv6 address, and requests are told apart by names; write a name whose AAAA record is that address")
		}
		return name, err
	}}
}

// parseHost takes a DNS name or an IP address.
func parseHost(s string) (string, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return ip.String(), nil
	}
	name := strings.ToLower(s)
	switch {
	case strings.Contains(s, "://"):
		return "", errors.New("is a URL; write the host alone, without scheme and path")
	case strings.Contains(s, "/"):
		return "", errors.New("holds a path; write the host alone")
	case strings.Contains(s, ":"):
		return "", errors.New("holds a port; write the host alone")
	case strings.Contains(s, "*"):
		return "", errors.New("is a wildcard, and only whole host names can be given; write one entry for each")
	case !dnsName(name):
		return "", errors.New("is not a host name; labels of a-z, 0-9 and hyphens are joined by dots " +
			"(other letters in their xn-- form)")
	}
	return name, nil
}

// dnsName follows RFC 1123, section 2.1: an all-numeric last label would be an IP address.
func dnsName(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if len(label) > 63 || !dnsLabel.MatchString(label) {
			return false
		}
	}
	return len(name) <= 253 && !asciiDigits.MatchString(labels[len(labels)-1])
}

// address is where to listen.
func address(into *string) kind {
	return scalar[string]{into: into, word: "host:port", form: like(`^[^/\s]*:[0-9]+$`), parse: func(s string) (string, error) {
		name, port, err := net.SplitHostPort(s)
		if err != nil || !isPort(port, 0) {
			return "", errors.New("is not an address to listen on; write `host:port` or `:port`")
		}
		if name == "" {
			return s, nil
		}
		if _, err := parseHost(name); err != nil {
			return "", fmt.Errorf("begins with `%s`, which is neither a host name nor an IP address", name)
		}
		return s, nil
	}}
}

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && strconv.Itoa(n) == s && n >= least && n <= 65535
}

func mirror(into *string) kind {
	return scalar[string]{into: into, word: "host:port", form: like(`^[^/\s]+$`), parse: parseRegistry}
}

// parseRegistry is a host with or without a port.
func parseRegistry(s string) (string, error) {
	if _, rest, url := strings.Cut(s, "://"); url {
		return "", fmt.Errorf("is a URL; write `%s`", strings.TrimSuffix(rest, "/"))
	}
	name := s
	if h, port, err := net.SplitHostPort(s); err == nil {
		if name = h; !isPort(port, 1) {
			return "", errors.New("has no valid port; write `host:port`, from 1 to 65535")
		}
	}
	if got, err := parseHost(name); err != nil || got != name {
		return "", errors.New("is not a registry's host; write it like `ghcr.io` or `127.0.0.1:5000`, in lower case")
	}
	return s, nil
}

func registryName(name string) error {
	if name == "index.docker.io" {
		return errors.New("is Docker Hub; write `docker.io`")
	}
	_, err := parseRegistry(name)
	return err
}

// cidr is a range of IP addresses; a lone address is a range of one.
func cidr(into *netip.Prefix) kind {
	return scalar[netip.Prefix]{into: into, word: "CIDR", form: like(`^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`), parse: func(s string) (netip.Prefix, error) {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
			return netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, errors.New("is not a range of IP addresses; write it like `10.0.0.0/8` or `fd00::/8`")
		}
		if p != p.Masked() {
			return netip.Prefix{}, fmt.Errorf("does not begin where its range begins; write `%s`", p.Masked())
		}
		return p, nil
	}}
}
