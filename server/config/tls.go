package config

import (
	"errors"
	"net/mail"
	"net/url"
	"strings"

	"fisherman/deployer"
)

// letsEncrypt is the directory that certificates come from unless another is configured.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

func acmeKeys(a *ACME) kind {
	return mapping{
		{name: "email", kind: email(&a.Email), meaning: "what the CA may write to; optional"},
		{name: "directory", fallback: letsEncrypt, kind: directory(&a.Directory), meaning: "the CA, by its ACME directory"},
		{name: "roots", kind: file(&a.Roots), meaning: "a PEM file of what to trust a private CA's directory by; absent: the system's"},
	}
}

// notBare: whoever writes `acme:` and nothing below wants certificates, and would have plain HTTP.
func notBare(r *reader, v value) {
	if v.node != nil && v.empty() {
		r.report(v, "", "has no value; write `acme: {}` for certificates by Let's Encrypt, or remove the key")
	}
}

func keyPair(p *KeyPair) kind {
	return mapping{
		{name: "cert", required: true, kind: file(&p.Cert), meaning: "a PEM file with a certificate and its chain, chosen by SNI and re-read when it changes"},
		{name: "key", required: true, kind: file(&p.Key), meaning: "the PEM file with its private key"},
	}
}

// file is a file on this machine, whatever directory the server runs in.
func file(into *string) kind {
	return scalar[string]{into: into, word: "absolute path", parse: wholePath, form: like("^/")}
}

func email(into *string) kind {
	return scalar[string]{into: into, word: "address", parse: func(s string) (string, error) {
		if got, err := mail.ParseAddress(s); err != nil || got.Address != s {
			return "", errors.New("is not an e-mail address; write it like `me@example.com`")
		}
		return s, nil
	}}
}

// directory is an ACME directory, which is only spoken to over HTTPS (RFC 8555, 6.1).
func directory(into *string) kind {
	return scalar[string]{into: into, word: "URL", form: like("^https://"), parse: func(s string) (string, error) {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			return "", errors.New("is not an ACME directory; write it like `" + letsEncrypt + "`")
		}
		return s, nil
	}}
}

func (d *draft) speaksTLS() bool { return d.Proxy.ACME != nil || len(d.pairs) > 0 }

// checkTLS looks at how routes, certificates and what clients must show go together.
func (d *draft) checkTLS(r *reader) {
	d.Proxy.Certificates = what(d.pairs)
	first := map[string]placed[deployer.Route]{}
	for _, s := range d.drafts {
		for _, route := range s.routes {
			d.checkRouteTLS(r, route)
			other, met := first[route.is.Host]
			if !met {
				first[route.is.Host] = route
			}
			if met && route.is.Host != "" && other.is.ClientCA != route.is.ClientCA {
				r.report(route.at.absent("client_ca"), route.is.ClientCA, "differs from that of another route of %s (%s): what a client must show is "+
					"settled before it says which path it wants; write the same for all routes of the host", route.is.Host, other.at.path)
			}
		}
	}
}

func (d *draft) checkRouteTLS(r *reader, route placed[deployer.Route]) {
	is, at := route.is, route.at
	if is.TLS == deployer.TLSFiles && len(d.pairs) == 0 {
		r.report(at.absent("tls"), string(is.TLS), "needs a certificate that covers %s in `proxy.certificates`, where there is none; add it, or write `tls: auto` and `proxy.acme`", is.Host)
	}
	if is.ClientCA == "" {
		return
	}
	const instead = "; without TLS clients cannot show a certificate"
	switch ca := at.absent("client_ca"); {
	case is.TLS == deployer.TLSOff:
		r.report(ca, is.ClientCA, "goes with `tls: auto` or `tls: files` only, and this route has `tls: off`"+instead)
	case !d.speaksTLS():
		r.report(ca, is.ClientCA, "needs `proxy.acme` or `proxy.certificates`"+instead)
	case strings.EqualFold(is.Host, d.Server.Host):
		r.report(ca, is.ClientCA, "would keep out GitHub's webhooks, which come to `server.host`, %s, without a certificate; give the webhooks another host", is.Host)
	}
}
