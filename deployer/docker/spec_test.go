package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/deployer"
)

// opened is an opener of what is in clear.
type opened struct{}

func (opened) Open(text string) (string, error) { return text, nil }

// TestAVariableCannotHoldANUL: what was encrypted is first seen when a container is made. It is named and not shown.
func TestAVariableCannotHoldANUL(t *testing.T) {
	s := deployer.Service{Name: "web", Environment: map[string]deployer.Secret{
		"A": deployer.Plain("fine"), "PASSWORD": deployer.Sealed("hunter2\x00", opened{}),
	}}
	_, err := environ(s)
	if err == nil || strings.Contains(err.Error(), "hunter2") ||
		!strings.HasPrefix(err.Error(), "open services.web.environment.PASSWORD: it holds a NUL character") {
		t.Errorf("got %v", err)
	}
}

// TestAFileWhereHostsFilesAreKept fails what needs one, and what to do is told.
func TestAFileWhereHostsFilesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Engine{hosts: hosts{dir: path}}
	if _, _, err := e.hostsMount(t.Context(), deployer.Service{Name: "web"}); err == nil || !strings.Contains(err.Error(), "; move away what is no directory") {
		t.Errorf("got %v", err)
	}
}
