package main

import (
	"slices"

	"fisherman/proxy"
	"fisherman/server/config"
	"fisherman/server/discord"
)

// tlsOf is how a configuration wants hosts to be served, in the proxy's words. GitHub sends webhooks to `server.host` over
// HTTPS, so that has a certificate even if no service has a route there.
func tlsOf(c *config.Config) proxy.TLS {
	var t proxy.TLS
	for _, s := range c.Services {
		for _, r := range s.Routes {
			t.Routes = append(t.Routes, proxy.TLSRoute{
				Host: r.Host, Prefix: r.Prefix, Mode: proxy.TLSMode(r.TLS), ClientCA: r.ClientCA, Service: s.Name,
			})
		}
	}
	isHook := func(r proxy.TLSRoute) bool { return r.Host == c.Server.Host }
	if c.Server.Host != "" && !slices.ContainsFunc(t.Routes, isHook) {
		t.Routes = append(t.Routes, proxy.TLSRoute{Host: c.Server.Host, Prefix: webhookPath})
	}
	for _, pair := range c.Proxy.Certificates {
		t.Certificates = append(t.Certificates, proxy.KeyPair(pair))
	}
	if acme := c.Proxy.ACME; acme != nil {
		t.ACME = &proxy.ACME{Email: acme.Email, Directory: acme.Directory, Roots: acme.Roots}
	}
	return t
}

// noteCertificate tells Discord what goes wrong with certificates; the proxy's log has it already.
func (p *program) noteCertificate(n proxy.Notice) {
	p.outlet.Warn(discord.Warning{About: n.About, Reason: n.Reason, Again: n.Again, At: n.At})
}
