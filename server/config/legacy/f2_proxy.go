package legacy

import (
	"fmt"
	"net"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// balancer reads what f2 listened on and which hosts spoke TLS.
func (f *f2) balancer(alb *object) {
	address, ports := alb.text("addr"), alb.object("ports")
	if address == "0.0.0.0" {
		address = ""
	}
	tls, mutual := alb.object("tls").object("domains"), alb.object("mtls")
	http, https := ports.text("http"), ports.text("https")
	if port := alb.text("port"); len(tls.keys) > 0 && https == "" {
		https = port
	} else if http == "" {
		http = port
	}
	f.listen("http", address, http, "80")
	f.listen("https", address, https, "443")
	ports.left("tls", "fisherman's proxy speaks HTTP, and passes no other TLS on", "publish that service's port with `ports`, and let it speak TLS itself")
	ports.rest()
	alb.left("reconciliation", "a change of the file is applied by itself", "`POST /api/v1/reconcile` with the API's token asks for it")
	f.pairs(tls)
	f.clients(mutual)
	alb.rest()
}

func (f *f2) listen(key, address, port, usual string) {
	if port != "" && (port != usual || address != "") {
		put(f.listens, key, text(net.JoinHostPort(address, port)))
	}
}

// pairs are the certificates. Those in S3 would need somebody who renews and copies them: ACME does it by itself.
func (f *f2) pairs(domains *object) {
	made, distant := list(), []string{}
	for _, host := range domains.keys {
		domain := domains.object(host)
		cert, certBucket := f.external(domain.object("cert_file"))
		key, keyBucket := f.external(domain.object("key_file"))
		domain.rest()
		f.certificates[hostKey(host)] = nil
		if certBucket+keyBucket != "" || !path.IsAbs(cert) || !path.IsAbs(key) {
			distant = append(distant, host)
			continue
		}
		pair := mapping()
		put(pair, "cert", text(cert))
		put(pair, "key", text(key))
		f.certificates[hostKey(host)] = pair
		made.Content = append(made.Content, inline(pair))
	}
	put(f.listens, "certificates", made)
	if len(distant) == 0 {
		return
	}
	acme := inline(mapping())
	f.listens.Content = append(f.listens.Content, verbatim("acme"), acme)
	f.tell(domains.path+"."+braced(distant), "its certificate is in no file of this machine, so fisherman has one made (`tls: auto`, by Let's Encrypt)",
		"see that the name points to this machine, or copy the files here and name them in `proxy.certificates`")
}

// clients are the hosts that ask for a client's certificate.
func (f *f2) clients(mutual *object) {
	file, bucket := f.external(mutual.object("anchor"))
	hosts := mutual.list("domains")
	mutual.rest()
	if len(hosts) == 0 {
		return
	}
	if bucket != "" {
		file = path.Join("/etc/fisherman", path.Base(bucket))
		f.tell(mutual.below("anchor"), "it is a file in S3", fmt.Sprintf("copy it to this machine: `aws s3 cp s3://%s %s`; without it the hosts of `mtls` let nobody in", bucket, file))
	}
	for _, i := range hosts {
		if host := f.scalar(i.path, i.node); host != "" {
			f.anchors[hostKey(host)] = file
			f.private = append(f.private, i)
		}
	}
}

// routes are those of a service; f2 began with one host and port for each.
func (f *f2) routes(o *object) *yaml.Node {
	made := list()
	if host := o.text("host"); host != "" {
		made.Content = append(made.Content, f.route(o.below("host"), host, o.text("path_prefix"), o.text("port"))...)
	}
	for _, i := range o.list("routes") {
		route := f.object(i.path, i.node)
		host, prefix, port := route.text("host"), route.text("prefix"), route.text("port")
		if protocol := route.text("protocol"); protocol != "" && protocol != "http" {
			f.tell(i.path, "its protocol is "+protocol+", and fisherman's proxy speaks HTTP", fmt.Sprintf("publish the port: `ports: [\"%s:%[1]s\"]`, with `strategy: recreate`", port))
		} else {
			made.Content = append(made.Content, f.route(i.path, host, prefix, port)...)
		}
		route.rest()
	}
	return made
}

// route is a route of the new file; none where it would open to everybody what f2 kept for those with a certificate.
func (f *f2) route(at, host, prefix, port string) []*yaml.Node {
	host = f.bare(at, host)
	f.served[hostKey(host)] = true
	pair, secure := f.certificates[hostKey(host)]
	anchor, mutual := f.anchors[hostKey(host)]
	if mutual && anchor == "" {
		f.tell(at, "clients had to show a certificate, and `alb.mtls.anchor` does not say whose", "the route is left out: write it with `client_ca`")
		return nil
	}
	made := mapping()
	put(made, "host", text(host))
	if strings.Trim(prefix, "/") != "" {
		put(made, "prefix", text(prefix))
	}
	put(made, "port", number(port))
	switch {
	case pair != nil:
		put(made, "tls", text("files"))
	case !secure && !mutual:
		put(made, "tls", text("off"))
	}
	put(made, "client_ca", text(anchor))
	return []*yaml.Node{inline(made)}
}
