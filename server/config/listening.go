package config

import (
	"net"
	"net/netip"
	"slices"

	"fisherman/deployer"
)

// portOwner is who listens on a port of the machine.
type portOwner struct {
	deployer.Port
	name, path string // "service web", "services.web.ports[0]"
}

// checkPorts: only one can listen on a port. The proxy's own HTTPS port counts with certificates, or once somebody has
// written it down: otherwise nothing listens there, and what terminates TLS may.
func (d *draft) checkPorts(r *reader) {
	byNumber := map[int][]portOwner{}
	take := func(p portOwner) { byNumber[p.Host] = append(byNumber[p.Host], p) }
	take(portOwner{listens(d.Server.Listen), "fisherman's API", "server.listen"})
	take(portOwner{listens(d.Proxy.HTTP), "the proxy", "proxy.http"})
	if !d.https.implied || d.speaksTLS() {
		take(portOwner{listens(d.Proxy.HTTPS), "the proxy", "proxy.https"})
	}
	for _, s := range d.drafts {
		for _, p := range s.ports {
			mine := portOwner{p.is, "service " + s.Name, p.at.path}
			taken := byNumber[mine.Host]
			i := slices.IndexFunc(taken, func(other portOwner) bool { return clash(mine.Port, other.Port) })
			switch {
			case i < 0:
				take(mine)
			case taken[i].name == mine.name:
				r.report(p.at, p.at.node.Value, "is a port of %s already (%s); remove one", mine.name, taken[i].path)
			default:
				r.report(p.at, p.at.node.Value, "%s and %s both want port %d of the machine (the other is %s); give one of them another",
					taken[i].name, mine.name, mine.Host, taken[i].path)
			}
		}
	}
}

// listens is the port of an address to listen on; a host name may stand for any address.
func listens(address string) deployer.Port {
	host, port, _ := net.SplitHostPort(address)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host = ""
	}
	return deployer.Port{Address: host, Host: atoi(port), Protocol: "tcp"}
}

func clash(a, b deployer.Port) bool {
	return a.Host != 0 && a.Host == b.Host && a.Protocol == b.Protocol &&
		(a.Address == b.Address || everywhere(a.Address) || everywhere(b.Address))
}

func everywhere(address string) bool { return address == "" || address == "0.0.0.0" || address == "::" }
