package config_test

import (
	"errors"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/config"
)

// values says what a key takes and what it refuses; %s in text is where the value goes.
type values struct {
	text  string
	takes []string
	not   []string
}

func TestServiceValues(t *testing.T) {
	for _, test := range []values{
		{
			service("follow: %s"),
			[]string{"main", "release/1.x", "feature/a-b_c", "v2.0", "true", "ünï"},
			[]string{"refs/heads/main", "a..b", "release/*", "'a b'", "/a", "a/", "a//b", "a.lock", "'@'", "-a", "a.", "a^"},
		},
		{
			service("tag: %s"),
			[]string{"latest", "1.10", "20240101-1200", "_x", "v1"},
			[]string{"a/b", "-x", ".x", "'a b'", "a:b", "''", "~", strings.Repeat("a", 129)},
		},
		{service("replicas: %s"), []string{"1", "100", "'3'"}, []string{"0", "101", "-1", "1.5", "one", "1_0", "0x1", "01"}},
		{service("retain: %s"), []string{"0", "3"}, []string{"-1", "101"}},
		{
			service("drain: %s"),
			[]string{"0s", "0", "90s", "1m30s", "1.5h", "500ms"},
			[]string{"30", "-1s", "1d", "forever", "25h", "''", "30 s"},
		},
		{service("stop: %s"), []string{"0s", "10s"}, []string{"-10s", "2h"}},
		{service("bake: %s"), []string{"0s", "60s", "24h"}, []string{"60", "-1s", "25h"}},
		{
			service("resources: { memory: %s }"),
			[]string{"6m", "256m", "256M", "256MiB", "0.5g", "1gb", "8192k", "268435456", "268435456b", "1048576g"},
			[]string{"5m", "6291455", "256", "-256m", "256 m", "m", "1e3m", "256t", "Infm", "NaN", "0x10m", "1048577g", "99999999999999999999g", "''"},
		},
		{service("resources: { cpus: %s }"), []string{"0.01", "0.5", "2", "1024"}, []string{"0", "0.001", "-1", ".5", "1e1", "Inf", "1025"}},
		{service("resources: { pids: %s }"), []string{"1", "4194304"}, []string{"0", "-1", "4194305", "1.5", "99999999999999999999"}},
		{service("resources: %s"), []string{"{}", "~"}, []string{"256m", "{ swap: 1g }"}},
		{
			service("strategy: recreate, volumes: ['%s']"),
			[]string{"data:/data", "/srv/data:/data:ro", "my.data_1-x:/a b", "/srv/a b/:/data/", "/:/host:ro"},
			[]string{"data", "", ":/data", "data:", "a:/data", "-a:/data", "data:/data:", "data:/data:ro:ro", "data:/data:RO", "../a:/data", "~/a:/data"},
		},
		{
			service("strategy: recreate, ports: ['%s']"),
			[]string{"1:65535", "5432:5432/tcp", "53:53/udp", "127.0.0.1:53:53/udp", "[::1]:53:53", "0.0.0.0:53:53"},
			[]string{"53", "53/udp", "53:53/", "53:53/TCP", "053:53", "-53:53", "53:", ":53:53", "[::1:53:53", "[]:53:53", "localhost:53:53", "1.2.3:53:53", ""},
		},
		{service("entrypoint: %s"), []string{"[]", "[/app, '', 1]", "~"}, []string{"/app", "[~]", `["\0"]`}},
		{
			service("user: %s"),
			[]string{"app", "1000", "1000:1000", "app:2147483647", "_www.x-1@corp", "'machine$'"},
			[]string{"''", "':1'", "'1:'", "'1:2:3'", "'a b'", "-a", "2147483648", "99999999999999999999:1", "1:2147483648", "~", "[a]"},
		},
		{
			service("extra_hosts: ['%s']"),
			[]string{"db.internal:10.0.0.5", "DB:::1", "db:[fd00::5]", "box:host-gateway"},
			[]string{"db", "db:", "db:10.0.0", ":10.0.0.5", "db:box", "a_b:10.0.0.5", "db=10.0.0.5", "db:fe80::1%eth0", "db:10.0.0.5:80", ""},
		},
		{
			service("labels: %s"),
			[]string{"{}", "~", "{ a: '' }", "{ com.example/team_x: 1.10, b: yes, fishermans: x }", "{ a: '$${A}' }"},
			[]string{
				"[a=b]", "{ fisherman.service: x }", "{ fisherman.x: x }", "{ 'a b': x }", "{ a=b: x }", "{ '': x }", "{ a: ~ }",
				"{ a: '${EMPTY}' }", "{ a: 'x${EMPTY}' }", "{ a: 'http://me:hunter2@a.pl' }", `{ a: "\0" }`, "{ a: [b] }",
			},
		},
		{
			service("cap_add: ['%s']"),
			[]string{"NET_ADMIN", "CAP_NET_ADMIN", "ALL"},
			[]string{"NET_ADMN", "net_admin", "", "CAP_", "everything", "NET ADMIN"},
		},
		{service("cap_drop: %s"), []string{"[]", "[ALL]", "~"}, []string{"ALL", "[~]"}},
		{service("cap_drop: [ALL, KILL], cap_add: [%s]"), []string{"CHOWN"}, []string{"KILL", "CAP_ALL"}},
		{service("read_only: %s"), []string{"true", "false", "'true'"}, []string{"yes", "on", "1", "True", "~", "''"}},
		{
			service("tmpfs: ['%s']"),
			[]string{"/tmp", "/tmp/", "/run:size=64m", "/run:size=1G,mode=1777,uid=1000,gid=1000,noexec,nr_inodes=10", "/run:exec"},
			[]string{"tmp", "/", "/a b", "/tmp:", "/tmp:size=64", "/tmp:size=0m", "/tmp:size=50%", "/tmp:mode=9", "/tmp:bind", "/tmp:size=64m,,exec", "/tmp:ro:rw", ""},
		},
		{service("strategy: recreate, volumes: [data:/data], tmpfs: ['%s']"), []string{"/tmp"}, []string{"/data/"}},
		{service("strategy: %s"), []string{"blue-green", "recreate"}, []string{"rolling", "Recreate"}},
		{service("args: %s"), []string{"[]", "[a, '', 1]", "~"}, []string{"a", "[~]", "[[a]]", `["\0"]`}},
		{
			service("environment: %s"),
			[]string{"{}", "{A: ''}", "{a.b-c: d}", "~"},
			[]string{"[A=b]", "A=b", "{A: ~}", "{A: }", "{'': a}", "{A=B: c}", "{A: [b]}", `{A: "\0"}`, "{A: 1, A: 2}"},
		},
		{
			service("secret: %s"),
			[]string{"s", "[s]", "[s, t]"},
			[]string{"''", "'  '", "[]", "[s, '']", "{}", "' s'", "~", `"s\n"`, "!s x"},
		},
		{
			service("health: %s"),
			[]string{"{}", "~", "{path: '/a?b=c'}", "{port: 1}", "{deadline: 1h}"},
			[]string{
				"{path: a}", "{path: //a}", "{path: '/a b'}", "{path: http://a/b}", "{port: 0}", "{deadline: 0s}",
				"{deadline: 2h}", "{successes: 0}", "/health", "{paht: /}",
			},
		},
	} {
		test.check(t)
	}
}

func TestIdentityValues(t *testing.T) {
	for _, test := range []values{
		{
			"{ github: { secret: s }, services: { %s: { repository: o/web, image: ghcr.io/o/web } } }",
			[]string{"web", "a", "0", "a-b", "1a", strings.Repeat("a", 40)},
			[]string{"Web", "a_b", "-a", "a-", "a.b", "''", "~", strings.Repeat("a", 41), "'a b'"},
		},
		{
			"{ github: { secret: s }, services: { web: { repository: %s, image: ghcr.io/o/web } } }",
			[]string{"o/web", "Alexander-Jackson/Web.site_2", "o_corp/x"},
			[]string{
				"web", "o/web/x", "/web", "o/", "https://github.com/o/web", "git@github.com:o/web.git", "'o/w b'", "~", "-o/x",
			},
		},
		{
			"{ github: { secret: s }, services: { web: { repository: o/web, image: %s } } }",
			[]string{
				"ghcr.io/o/web", "nginx", "o/web", "localhost/web", "localhost:5000/web", "127.0.0.1:5000/o/web",
				"registry.example.com:443/a/b/c", "ghcr.io/o/a__b.c-d--e", "'[::1]:5000/web'",
			},
			[]string{
				"ghcr.io/o/web:latest", "'ngnix:'", "ghcr.io/o/web@sha256:abc", "https://ghcr.io/o/web", "ghcr.io/O/web", "ghcr.io/",
				"ghcr.io//web", "ghcr.io/o/web/", "ghcr.io/o/.web", "'ghcr.io/o/w b'", "a..b/web", "localhost:0/web", "o/w___b",
				"''", strings.Repeat("a", 256),
			},
		},
		{
			service("routes: [{ port: 80, host: %s }]"),
			[]string{"a.pl", "A.PL", "localhost", "127.0.0.1", "xn--bcher-kva.de", "a-b.c"},
			[]string{
				"a.pl:80", "http://a.pl", "a.pl/x", "'*.a.pl'", "a_b.pl", "-a.pl", "a..pl", "a.pl.", "300.1.1.1", "bücher.de", "''",
				"'[::1]'", "'::1'", "'::ffff:1.2.3.4'", strings.Repeat("a", 64) + ".pl", "fe80::1%eth0",
			},
		},
		{
			service("routes: [{ port: 80, host: a.pl, prefix: %s }]"),
			[]string{"/", "/api", "/api/", "/a/b.c/~d", "/a:b@c"},
			[]string{"api", "/..", "/a/../b", "/./a", "//", "/a//b", "'/a?b'", "'/a#b'", "'/a b'", "/a%2Fb", "/é", `'/a\b'`, "''"},
		},
		{service("routes: [{ host: a.pl, port: %s }]"), []string{"1", "65535"}, []string{"0", "65536", "http", "80.0", "~"}},
		{service("routes: [{ host: a.pl, port: 1, tls: %s }]"), []string{"auto", "off"}, []string{"files", "no", "false", "Off"}},
		{service("routes: %s"), []string{"[]", "~"}, []string{"{}", "[~, {host: a.pl, port: 80}, {port: 80}]", "[a.pl]"}[:1]},
	} {
		test.check(t)
	}
}

func TestServerValues(t *testing.T) {
	services := "services: { web: { repository: o/web, image: ghcr.io/o/web } } }"
	with := func(keys string) string { return "{ github: { secret: s }, " + keys + ", " + services }
	address := values{
		takes: []string{"':80'", "127.0.0.1:0", "'[::1]:443'", "localhost:5000", "0.0.0.0:65535"},
		not:   []string{"80", "a.pl", "':65536'", "':http'", "'a b:80'", "'::1:80'", "tcp://a.pl:80", "''", "':'"},
	}
	url := values{
		takes: []string{"https://ghe.example.com/api/v3", "http://127.0.0.1:8080", "https://discord.com/"},
		not:   []string{"api.github.com", "ftp://a.pl", "https://", "https://u:p@a.pl", "'https://a.pl/?q'", "'https://a.pl/#f'", "''"},
	}
	for _, test := range []values{
		{with("server: { listen: %s }"), address.takes, address.not},
		{with("proxy: { http: %s }"), address.takes, address.not},
		{with("proxy: { https: %s }"), address.takes, address.not},
		{with("discord: { token: t, channel_id: 1, api: %s }"), url.takes, url.not},
		{"{ github: { secret: s, api: %s }, " + services, url.takes, url.not},
		{with("discord: %s"), []string{"~"}, []string{"[]", "{ token: t }", "{ channel_id: 1 }", "{ token: t, channel_id: general }"}},
		{with("state: %s"), []string{"/var/lib/fisherman", "state"}, []string{"''", "~", "[]", "' '"}},
		{
			with("docker: { host: %s }"),
			[]string{"unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"},
			[]string{"/var/run/docker.sock", "ssh://box", "unix://", "''"},
		},
		{with("docker: { network: %s }"), []string{"fisherman", "a_b.c-d"}, []string{"host", "bridge", "none", "'a b'", "-a", "''"}},
		{
			with("registries: { %s: { mirror: m.example.com } }"),
			[]string{"ghcr.io", "localhost:5000", "127.0.0.1:5000", "docker.io"},
			[]string{"https://ghcr.io", "ghcr.io/o", "index.docker.io", "GHCR.io", "''", "'a b'"},
		},
		{
			with("registries: { ghcr.io: %s }"),
			[]string{"{}", "{ username: u, password: p }", "{ mirror: 127.0.0.1:5555 }"},
			[]string{"{ username: u }", "{ password: p }", "{ mirror: http://a.pl }", "{ mirror: a.pl/x }", "{ mirror: 'a.pl:0' }", "[]"},
		},
		{
			with("proxy: { trusted_proxies: [%s] }"),
			[]string{"10.0.0.0/8", "10.0.0.1", "'::1'", "fd00::/8"},
			[]string{"10.0.0.1/8", "10.0.0.0/33", "all", "fe80::1%eth0"},
		},
		{
			with("proxy: { access_log: { file: %s } }"),
			[]string{"off", "/var/log/fisherman/access.log", "/dev/stdout"},
			[]string{"access.log", "''", "~", "/var//log", "stdout", `"/a\nb"`},
		},
		{with("proxy: { access_log: { sample: %s } }"), []string{"1", "100", "1000000"}, []string{"0", "-1", "0.1", "1000001"}},
		{with("proxy: { access_log: %s }"), []string{"{}", "~"}, []string{"off", "/var/log/access.log", "{ files: off }"}},
		{
			with("proxy: { acme: %s }"),
			[]string{"{}", "{ email: me@a.pl }", "{ directory: 'https://127.0.0.1:14000/dir' }", "{ roots: /etc/ca.pem }"},
			[]string{"~", "[]", "{ email: a }", "{ email: 'Me <me@a.pl>' }", "{ directory: 'http://a.pl/' }", "{ directory: a.pl }", "{ roots: ca.pem }"},
		},
		{
			with("proxy: { certificates: %s }"),
			[]string{"[]", "~", "[{ cert: /a.pem, key: /a.key }]"},
			[]string{"{}", "[{ cert: /a.pem }]", "[{ key: /a.key }]", "[{ cert: a.pem, key: /a.key }]", "[/a.pem]"},
		},
		{
			"{ github: { secret: s }, proxy: { acme: {} }, services: { web: { repository: o/web, image: ghcr.io/o/web, " +
				"routes: [{ host: a.pl, port: 80, client_ca: %s }] } } }",
			[]string{"/ca.pem"},
			[]string{"ca.pem", "~", "''"},
		},
	} {
		test.check(t)
	}
}

// TestResolved holds what a value becomes.
func TestResolved(t *testing.T) {
	for written, want := range map[string]string{
		"nginx":                  "docker.io/library/nginx",
		"o/web":                  "docker.io/o/web",
		"docker.io/nginx":        "docker.io/library/nginx",
		"index.docker.io/o/web":  "docker.io/o/web",
		"localhost/web":          "localhost/web",
		"127.0.0.1:5000/o/web":   "127.0.0.1:5000/o/web",
		"ghcr.io/o/deep/er/path": "ghcr.io/o/deep/er/path",
	} {
		got := parse(t, "{ github: { secret: s }, services: { web: { repository: o/web, image: '"+written+"' } } }")
		equal(t, got.Services[0].Image, want)
	}
	got := parse(t, service("routes: [{ host: A.pl, prefix: /api/, port: 80, tls: off }, { host: LOCALHOST, port: 81 }]"))
	first, second := got.Services[0].Routes[0], got.Services[0].Routes[1]
	equal(t, []any{first.Host, first.Prefix, first.Port, first.TLS}, []any{"a.pl", "/api", 80, deployer.TLSOff})
	equal(t, []any{second.Host, second.Prefix, second.Port, second.TLS}, []any{"localhost", "/", 81, deployer.TLSAuto})
}

// service is a configuration with one service, in flow style.
func service(keys string) string {
	return "{ github: { secret: s }, services: { web: { repository: o/web, image: ghcr.io/o/web, " + keys + " } } }"
}

// check parses the text with each value in its place. What is refused has exactly one problem.
func (v values) check(t *testing.T) {
	t.Helper()
	for _, value := range v.takes {
		written := strings.Replace(v.text, "%s", value, 1)
		if _, err := config.Parse([]byte(written), environment); err != nil {
			t.Errorf("%s:\n%v", written, err)
		}
		if err := edited(t, written); err != nil {
			t.Errorf("false alarm in editors: %s:\n%v", written, err)
		}
	}
	for _, value := range v.not {
		written := strings.Replace(v.text, "%s", value, 1)
		_, err := config.Parse([]byte(written), environment)
		var problems config.Problems
		if !errors.As(err, &problems) || len(problems) != 1 || strings.HasPrefix(problems[0].Message, "not valid YAML") {
			t.Errorf("%s: got %v, want one problem", written, err)
		}
	}
}
