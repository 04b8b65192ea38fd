package config_test

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/server/config"
)

// FuzzParse: whatever the text, the answer is a whole configuration or problems of one line each, and no panic.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(fixtures + "/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("a: &a [*a]\nservices: { <<: *a }"))
	f.Add([]byte("services: &s { a: *s, <<: [*s, *s] }"))
	f.Add([]byte("defaults: &d { environment: *d }\nservices: { a: *d }"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := config.Parse(raw, environment)
		var problems config.Problems
		switch {
		case err == nil && (got == nil || len(got.Services) == 0):
			t.Error("neither services nor problems")
		case err != nil && (!errors.As(err, &problems) || len(problems) == 0):
			t.Errorf("not problems: %v", err)
		}
		for _, problem := range problems {
			if text := problem.Error(); problem.Message == "" || strings.Contains(text, "\n") {
				t.Errorf("not one line: %q", text)
			}
		}
	})
}

// FuzzReplacing: whatever stands there, what is accepted is what Docker can be given, and says the same when it is written
// in full.
func FuzzReplacing(f *testing.F) {
	f.Add("256m", "0.5", "100", "data:/data", "53:53/udp")
	f.Add("1.5g", "2", "1", "/srv/data:/data:ro", "[::1]:8080:80")
	f.Add("9e9g", "NaN", "-1", "::ro", "[::]:0:0/tcp")
	f.Fuzz(func(t *testing.T, memory, cpus, pids, volume, port string) {
		got, err := config.Parse([]byte(service(fmt.Sprintf(
			"strategy: recreate, resources: { memory: %q, cpus: %q, pids: %q }, volumes: [%q], ports: [%q]",
			memory, cpus, pids, volume, port))), environment)
		if err != nil {
			return // FuzzParse looks at these
		}
		s := got.Services[0]
		r, v, p := s.Resources, s.Volumes[0], s.Ports[0]
		if r.Memory < 6<<20 || r.CPUs < 0.01 || r.PIDs < 1 || !path.IsAbs(v.Target) || path.Clean(v.Target) != v.Target || v.Source == "" ||
			min(p.Host, p.Container) < 1 || max(p.Host, p.Container) > 65535 || p.Protocol != "tcp" && p.Protocol != "udp" {
			t.Fatalf("accepted: %+v %+v %+v", r, v, p)
		}
		address := ""
		switch {
		case strings.Contains(p.Address, ":"):
			address = "[" + p.Address + "]:"
		case p.Address != "":
			address = p.Address + ":"
		}
		mode := map[bool]string{true: ":ro"}[v.ReadOnly]
		again := parse(t, service(fmt.Sprintf("strategy: recreate, resources: { memory: %d, cpus: %v, pids: %d }, volumes: [%q], ports: [%q]",
			r.Memory, r.CPUs, r.PIDs, strings.ReplaceAll(v.Source+":"+v.Target+mode, "$", "$$"), fmt.Sprintf("%s%d:%d/%s", address, p.Host, p.Container, p.Protocol))))
		equal(t, again.Services, got.Services)
	})
}
