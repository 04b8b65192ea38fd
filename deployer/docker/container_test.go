package docker_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
)

// aContainerIsWhatItsKeysSay looks at a container from both sides: what the engine was told, and what the process has.
func aContainerIsWhatItsKeysSay(t *testing.T, b *bench) {
	r := b.release(b.push(t))
	s := &r.Service
	s.Entrypoint, s.Args = []string{"/app", "--first"}, []string{"second"}
	s.User, s.ReadOnly = "1234:567", true
	s.ExtraHosts = []string{"db.internal:10.0.0.5", "six.internal:fd00::5", "machine:host-gateway"}
	s.Labels = map[string]string{"com.example.team": "web", "fisherman.service": "somebody else's"}
	s.CapAdd, s.CapDrop = []string{"NET_BIND_SERVICE", "SYS_TIME"}, []string{"ALL"}
	s.Tmpfs = []deployer.Tmpfs{{Target: "/tmp"}, {Target: "/cache", Options: "size=4m,mode=0700,uid=1234"}}
	at := b.live(t, r)[0]

	found := b.inspect(t, at.Container)
	host := found.HostConfig
	for what, is := range map[string][2]any{
		"entrypoint":    {[]string(found.Config.Entrypoint), s.Entrypoint},
		"args":          {[]string(found.Config.Cmd), s.Args},
		"user":          {found.Config.User, s.User},
		"extra hosts":   {host.ExtraHosts, s.ExtraHosts},
		"added":         {[]string(host.CapAdd), []string{"CAP_NET_BIND_SERVICE", "CAP_SYS_TIME"}},
		"dropped":       {[]string(host.CapDrop), s.CapDrop},
		"read-only":     {host.ReadonlyRootfs, true},
		"tmpfs":         {host.Tmpfs, map[string]string{"/tmp": "", "/cache": "size=4m,mode=0700,uid=1234"}},
		"own label":     {found.Config.Labels["com.example.team"], "web"},
		"service label": {found.Config.Labels["fisherman.service"], s.Name},
	} {
		if !reflect.DeepEqual(is[0], is[1]) {
			t.Errorf("the engine has %s %v, want %v", what, is[0], is[1])
		}
	}

	me := whoami(t, at, "/", "/tmp", "/cache")
	const both = "0000000002000400" // bits 10 and 25
	if !slices.Equal(me.Args, []string{"/app", "--first", "second"}) || me.UID != 1234 || me.GID != 567 || me.Capabilities != both {
		t.Errorf("the process is %+v, want user 1234:567 with capabilities %s", me, both)
	}
	if me.Wrote["/tmp"] != "" || me.Wrote["/cache"] != "" || !strings.Contains(me.Wrote["/"], "read-only file system") {
		t.Errorf("the process wrote %q, want that all but / can be written", me.Wrote)
	}
	if me.Size["/cache"] != 4<<20 {
		t.Errorf("the process has %d bytes in /cache, want 4 MiB", me.Size["/cache"])
	}
	for _, line := range []string{"10.0.0.5\tdb.internal", "fd00::5\tsix.internal", "\tmachine\n"} {
		if !strings.Contains(me.Hosts, line) || strings.Contains(me.Hosts, "host-gateway") {
			t.Errorf("the process knows the hosts\n%s\nwant %q", me.Hosts, line)
		}
	}
}

// self is what the test app says of its process.
type self struct {
	Args         []string
	UID, GID     int
	Capabilities string
	Hosts        string
	Wrote        map[string]string
	Size         map[string]uint64
}

func whoami(t *testing.T, at deployer.Replica, write ...string) (me self) {
	t.Helper()
	answer, err := http.Get("http://" + at.Address + ":8080/whoami?write=" + strings.Join(write, "&write="))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&me); err != nil {
		t.Fatal(err)
	}
	return me
}
