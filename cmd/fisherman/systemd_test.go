package main

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fisherman/deployer/deployertest"
)

// mostExposed is the most that `systemd-analyze security` may find of the unit, of 10; one without hardening has 9.6.
const mostExposed = 4.0

// onMachine is where the program is on a machine, whose /usr cannot be written to.
const onMachine = "/opt/fisherman"

// TestOnARealMachine installs fisherman on a machine with systemd, deploys an app and keeps asking for it while systemd
// restarts fisherman, while it is killed, and while it cannot start at all. Nobody is refused; what was in flight in a
// killed process is all that is lost. Mutants: sockets that are not systemd's; a start that fails which stops a socket.
func TestOnARealMachine(t *testing.T) {
	t.Parallel()
	s := newStage(t, deployertest.App(t), t.TempDir())
	program := filepath.Join(s.work, "fisherman")
	if err := buildStatic(program); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, program+":"+onMachine+":ro", strings.TrimPrefix(s.docker.DaemonHost(), "unix://")+":/run/docker.sock")
	http, api := deployertest.FreePort(t), deployertest.FreePort(t)
	m.write("/etc/fisherman/fisherman.env", fmt.Sprintf("# for the test\nSECRET=%s\nTOKEN=%s\n", s.secret, apiToken))
	m.write("/etc/fisherman/fisherman.yaml", fmt.Sprintf(`
github: { secret: "${SECRET}" }
server: { listen: "127.0.0.1:%d", token: "${TOKEN}" }
proxy: { http: "127.0.0.1:%d", https: "127.0.0.1:%d", acme: {}, access_log: { file: "off" } }
docker: { network: %q }
services:
  web:
    repository: o/web
    image: %s/o/web
    routes: [{ host: web.test, port: 8080, tls: "off" }]
    health: { path: /health, deadline: 30s }
`, api, http, deployertest.FreePort(t), s.network, s.registry))
	t.Log(m.run(onMachine, "install", "--config", "/etc/fisherman/fisherman.yaml", "--now"))
	s.server = m.server()
	s.checkUnits(t, m)
	s.deploy(t, "1")

	v := sendVisitors(s.server.proxy, "web.test", 12)
	v.more(t, 50)
	for range 3 {
		m.run("systemctl", "restart", "fisherman")
		v.more(t, 50)
		t.Logf("restarted: nobody waited longer than %s", v.pause())
	}
	var deaths []death
	for range 2 {
		deaths = append(deaths, m.killServer())
		v.more(t, 50)
		t.Logf("killed: nobody waited longer than %s", v.pause())
	}
	deaths = append(deaths, m.failToStart(t, 5))
	v.more(t, 50)
	t.Logf("could not start 5 times: nobody waited longer than %s", v.pause())
	v.end(t, deaths...)
	for _, unit := range []string{"http", "https", "server"} {
		limit := m.run("systemctl", "show", "--property", "TriggerLimitIntervalUSec,ActiveState", "fisherman-"+unit+".socket")
		if limit != "TriggerLimitIntervalUSec=0\nActiveState=active" {
			t.Errorf("the socket %s: %s; want one that no number of starts closes", unit, limit)
		}
	}
	s.moveSocket(t, m, http)
	m.forgetNames(t)
	m.run("systemctl", "stop", "fisherman-http.socket", "fisherman-https.socket", "fisherman-server.socket", "fisherman.service")
	if _, err := net.Dial("tcp", s.server.proxy); err == nil {
		t.Error("somebody listens on what was stopped")
	}
}

// moveSocket changes an address in the configuration, whose socket systemd holds from then on: it starts a server that does not run.
func (s *stage) moveSocket(t *testing.T, m *machine, from int) {
	t.Helper()
	to := deployertest.FreePort(t)
	m.run("sed", "-i", fmt.Sprintf("s/:%d\"/:%d\"/", from, to), "/etc/fisherman/fisherman.yaml")
	m.run(onMachine, "install", "--config", "/etc/fisherman/fisherman.yaml", "--now")
	m.run("systemctl", "stop", "fisherman.service")
	s.server.proxy = fmt.Sprintf("127.0.0.1:%d", to)
	if err := (&visitors{address: s.server.proxy, host: "web.test"}).ask("/"); err != nil {
		t.Errorf("at its new address: %v\n%s", err, m.journal())
	}
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", from)); err == nil {
		t.Error("somebody listens at the old one")
	}
}

// forgetNames has the names forgotten as at a boot, before anything runs.
func (m *machine) forgetNames(t *testing.T) {
	t.Helper()
	const hosts = "/var/lib/fisherman/hosts/web"
	if text := m.run("cat", hosts); !strings.Contains(text, "\tweb") {
		t.Errorf("no name to be forgotten in\n%s", text)
	}
	m.run("systemctl", "stop", "fisherman.service")
	m.run("systemctl", "start", namesUnit)
	if text := m.run("cat", hosts); strings.Contains(text, "\tweb") || !strings.Contains(text, "\tlocalhost\n") {
		t.Errorf("after a boot, before anything is listed, names are\n%s", text)
	}
}

// checkUnits has systemd judge the units, and the server's log.
func (s *stage) checkUnits(t *testing.T, m *machine) {
	t.Helper()
	if out := m.run("systemd-analyze", "verify", unitDirectory+"/"+serviceUnit, unitDirectory+"/"+namesUnit); strings.Contains(out, "fisherman") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	judged := m.run("systemd-analyze", "security", "--no-pager", "fisherman")
	found := regexp.MustCompile(`Overall exposure level for fisherman.service: ([0-9.]+)`).FindStringSubmatch(judged)
	if found == nil {
		t.Fatalf("systemd-analyze security: %s", judged)
	}
	t.Log(found[0])
	if exposed, err := strconv.ParseFloat(found[1], 64); err != nil || exposed > mostExposed {
		t.Errorf("%s, %v; it was %g:\n%s", found[0], err, mostExposed, judged)
	}
	for _, wrong := range []string{"that holds", "passed no socket", `"level":"error"`} {
		if strings.Contains(s.server.log(), wrong) {
			t.Errorf("the log has %q:\n%s", wrong, s.server.log())
		}
	}
}

// failToStart kills the server, lets its start fail so many times, and then succeed.
func (m *machine) failToStart(t *testing.T, times int) death {
	t.Helper()
	m.write("/etc/systemd/system/fisherman.service.d/fail.conf",
		"[Service]\nExecStartPre=sh -c 'echo >>/var/lib/fisherman/tries; test -e /var/lib/fisherman/fixed'\n")
	m.run("systemctl", "daemon-reload")
	killed := m.killServer()
	err := until("starts that fail", func() (bool, error) {
		all, err := m.try("sh", "-c", "wc -l </var/lib/fisherman/tries")
		if err != nil {
			return false, fmt.Errorf("%w: %s", err, all)
		}
		n, err := strconv.Atoi(all)
		return n >= times, err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, m.journal())
	}
	m.write("/var/lib/fisherman/fixed", "")
	return killed
}
