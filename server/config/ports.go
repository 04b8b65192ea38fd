package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"fisherman/deployer"
)

// hostPort is [ADDRESS:]HOST:CONTAINER[/tcp|udp], as in `docker run --publish`.
func hostPort(into *deployer.Port) kind {
	return scalar[deployer.Port]{into: into, word: "[ADDRESS:]HOST:CONTAINER[/udp]", form: like(`^(.+:)?[0-9]+:[0-9]+(/(tcp|udp))?$`), parse: parsePort}
}

func parsePort(s string) (deployer.Port, error) {
	ports, protocol, named := strings.Cut(s, "/")
	if !named {
		protocol = "tcp"
	}
	if protocol != "tcp" && protocol != "udp" {
		return deployer.Port{}, errors.New("has another protocol than `/tcp` and `/udp`; write one of them, or none for tcp")
	}
	outside, inside, pair := cutLast(ports)
	if !pair && isPort(ports, 1) {
		return deployer.Port{}, fmt.Errorf("names one port, and it takes the machine's and the container's; write `%s:%[1]s`", ports)
	}
	address, outside, addressed := cutLast(outside)
	if !addressed {
		address, outside = "", address
	}
	switch {
	case strings.Contains(outside+inside, "-"):
		return deployer.Port{}, errors.New("is a range; write one entry for each port")
	case !isPort(outside, 1) || !isPort(inside, 1):
		return deployer.Port{}, errors.New("is not a port of the machine and one of the container, from 1 to 65535; " +
			"write `HOST:CONTAINER`, such as `5432:5432` or `53:53/udp`")
	}
	listen, err := portAddress(address, addressed)
	return deployer.Port{Address: listen, Host: atoi(outside), Container: atoi(inside), Protocol: protocol}, err
}

// portAddress is the IP address of a port; IPv6 stands in brackets.
func portAddress(s string, given bool) (string, error) {
	if !given {
		return "", nil
	}
	bare, bracketed := strings.CutPrefix(s, "[")
	if bracketed {
		bare, bracketed = strings.CutSuffix(bare, "]")
	}
	ip, err := netip.ParseAddr(bare)
	if err != nil || ip.Zone() != "" || ip.Is6() != bracketed {
		return "", errors.New("begins with something else than an IP address of this machine; write `127.0.0.1:HOST:CONTAINER` " +
			"or `[::1]:HOST:CONTAINER`, or leave it away for all addresses")
	}
	return ip.Unmap().String(), nil
}

func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// atoi reads what isPort has accepted.
func atoi(port string) int {
	n, _ := strconv.Atoi(port)
	return n
}
