package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"fisherman/deployer"
)

// CheckFiles looks at the certificates that a configuration names as they are on disk at this time; what has problems of its own
// already is passed over. What is wrong with a file concerns the hosts it is for and nobody else, so Parse looks only where it is
// told to (Surroundings.Files): a server starts with those that are good.
func (c *Config) CheckFiles(now time.Time) Problems {
	var all Problems
	report := func(path, value, format string, args ...any) {
		all = append(all, Problem{Path: path, Value: cut(value), Message: fmt.Sprintf(format, args...)})
	}
	if c.Proxy.ACME != nil && c.Proxy.ACME.Roots != "" {
		if _, err := authorities(c.Proxy.ACME.Roots); err != nil {
			report("proxy.acme.roots", c.Proxy.ACME.Roots, "%v", err)
		}
	}
	var good []*x509.Certificate
	for i, pair := range c.Proxy.Certificates {
		if pair.Cert == "" || pair.Key == "" {
			continue
		}
		path := fmt.Sprintf("proxy.certificates[%d]", i)
		leaf, key, err := pair.load()
		switch {
		case err != nil && key:
			report(path+".key", pair.Key, "%v", err)
		case err != nil:
			report(path+".cert", pair.Cert, "%v", err)
		case now.After(leaf.NotAfter):
			report(path+".cert", pair.Cert, "expired on %s, and is for %s; put a renewed one in its place", day(leaf.NotAfter), hostsOf(leaf))
		case now.Before(leaf.NotBefore):
			report(path+".cert", pair.Cert, "is not valid before %s, and is for %s; look at the machine's clock, or wait", day(leaf.NotBefore), hostsOf(leaf))
		default:
			good = append(good, leaf)
		}
	}
	for _, s := range c.Services {
		for i, route := range s.Routes {
			path := fmt.Sprintf("services.%s.routes[%d]", s.Name, i)
			if trouble := c.uncovered(route, good); trouble != "" {
				report(path+".tls", string(route.TLS), "%s", trouble)
			}
			if route.ClientCA == "" {
				continue
			}
			if _, err := authorities(route.ClientCA); err != nil {
				report(path+".client_ca", route.ClientCA, "%v", err)
			}
		}
	}
	return all
}

// checkFiles reports what is wrong with files among all other problems, in the order of the document.
func (d *draft) checkFiles(r *reader, look func(*Config) Problems) {
	if look == nil {
		return
	}
	for _, p := range look(&d.Config) {
		at := d.place(p.Path)
		p.line, p.column = at.line, at.column
		r.problems = append(r.problems, p)
	}
}

// place is where what names a file stands.
func (d *draft) place(path string) value {
	for _, pair := range d.pairs {
		if isOf(path, pair.at.path) {
			return pair.at
		}
	}
	for _, s := range d.drafts {
		for _, route := range s.routes {
			if isOf(path, route.at.path) {
				return route.at
			}
		}
	}
	return d.acme
}

// uncovered says why a route would have no certificate, if it would not.
func (c *Config) uncovered(route deployer.Route, good []*x509.Certificate) string {
	switch {
	case route.Host == "" || route.TLS == deployer.TLSOff || !c.Proxy.SpeaksTLS():
		return ""
	case route.TLS == deployer.TLSFiles && len(c.Proxy.Certificates) == 0: // Parse says so
		return ""
	case route.TLS != deployer.TLSFiles && c.Proxy.ACME != nil && (!isAddress(route.Host) || !c.Proxy.ACME.isLetsEncrypt()):
		return ""
	}
	for _, leaf := range good {
		if leaf.VerifyHostname(route.Host) == nil {
			return ""
		}
	}
	if isAddress(route.Host) && route.TLS != deployer.TLSFiles && c.Proxy.ACME != nil {
		return fmt.Sprintf("no valid certificate in `proxy.certificates` covers %s, and Let's Encrypt makes none for an IP address; "+
			"give the route a DNS name that leads to it, add a file that covers it, or write `tls: \"off\"`", route.Host)
	}
	if route.TLS == deployer.TLSFiles {
		return fmt.Sprintf("no valid certificate in `proxy.certificates` covers %s; add one, or write `tls: auto` and `proxy.acme`", route.Host)
	}
	return fmt.Sprintf("no valid certificate in `proxy.certificates` covers %s, and there is no `proxy.acme`; add one of the two, or write `tls: \"off\"`", route.Host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isLetsEncrypt reports whether the CA is one that makes certificates for IP addresses only in a profile that is not asked for.
func (a *ACME) isLetsEncrypt() bool {
	u, err := url.Parse(a.Directory)
	return err == nil && strings.HasSuffix(u.Hostname(), ".letsencrypt.org")
}

// load reads a pair. key says that the trouble is with the key's file.
func (p KeyPair) load() (leaf *x509.Certificate, key bool, err error) {
	cert, err := readPEM(p.Cert, "CERTIFICATE")
	if err != nil {
		return nil, false, err
	}
	secret, err := readPEM(p.Key, "PRIVATE KEY")
	if err != nil {
		return nil, true, err
	}
	pair, err := tls.X509KeyPair(cert, secret)
	if err == nil {
		return pair.Leaf, false, nil
	}
	message := strings.TrimPrefix(err.Error(), "tls: ")
	if strings.Contains(message, "private key") {
		return nil, true, fmt.Errorf("does not go with %s: %s; write the key that this certificate was made for", p.Cert, message)
	}
	return nil, false, fmt.Errorf("cannot be used: %s; write a PEM file with the certificate first and its chain after it", message)
}

// authorities are the certificates in a PEM file by which others are verified.
func authorities(file string) (*x509.CertPool, error) {
	content, err := readPEM(file, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("holds no certificate that can be read; write a PEM file of CA certificates")
	}
	return pool, nil
}

// readPEM reads a file that holds a block of a type, or of a longer type that ends like it.
func readPEM(file, kind string) ([]byte, error) {
	content, err := onThisMachine(file)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("cannot be read: %w; see to it that it exists and that fisherman's user may read it", path.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("holds no PEM block %q; is it the right file?", kind)
		}
		if strings.HasSuffix(block.Type, kind) {
			return content, nil
		}
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// hostsOf are what a certificate is for.
func hostsOf(leaf *x509.Certificate) string {
	all := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host"
	}
	return strings.Join(all, ", ")
}
