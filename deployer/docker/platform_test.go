package docker

import (
	"strings"
	"testing"
)

func TestWhichPlatformsAMachineRuns(t *testing.T) {
	for _, c := range []struct {
		built platform
		arch  string
		want  bool
	}{
		{platform{"linux", "amd64"}, "amd64", true},
		{platform{"linux", "386"}, "amd64", true},
		{platform{"linux", "arm"}, "arm64", true},
		{platform{}, "amd64", true}, // it does not say
		{platform{"linux", "arm64"}, "amd64", false},
		{platform{"linux", "amd64"}, "386", false},
		{platform{"windows", "amd64"}, "amd64", false},
		{platform{"linux", "riscv64"}, "s390x", false},
	} {
		if got := c.built.on(c.arch); got != c.want {
			t.Errorf("%+v on %s: %v, want %v", c.built, c.arch, got, c.want)
		}
	}
}

func TestMeminfo(t *testing.T) {
	const text = "MemTotal:       24682248 kB\nMemFree:        10 kB\nMemAvailable:   24287424 kB\nHugePages_Total:       0\n"
	for field, want := range map[string]int64{"MemTotal": 24682248 << 10, "MemAvailable": 24287424 << 10, "SwapTotal": 0} {
		if got, ok := meminfo(strings.NewReader(text), field); got != want || ok != (want > 0) {
			t.Errorf("%s: %d, %v; want %d", field, got, ok, want)
		}
	}
}

func TestWhereTheDiskCannotBeSeenPreflightSaysNothing(t *testing.T) {
	if _, seen := freeDisk("/nowhere/docker"); seen {
		t.Error("saw a disk that is not there")
	}
	if free, seen := freeDisk(t.TempDir()); !seen || free <= 0 {
		t.Errorf("saw %d bytes, %v", free, seen)
	}
}
