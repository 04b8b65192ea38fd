package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is what figures were measured on.
type machine struct {
	cpu, memory, kernel, docker string
	load                        loads
}

// describe asks the machine. What it does not tell is "unknown".
func describe(ctx context.Context, load loads) machine {
	return machine{
		cpu: after("/proc/cpuinfo", "model name"), memory: gibibytes(after("/proc/meminfo", "MemTotal")),
		kernel: content("/proc/sys/kernel/osrelease"), docker: dockerVersion(ctx), load: load,
	}
}

func (m machine) String() string {
	return fmt.Sprintf("Measured on %s, %d cores, %s of memory, Linux %s, Docker Engine %s, %s, on %s. Load average (1 min) %s.\n"+
		"Bold figures are short of their aim.",
		cmp.Or(m.cpu, "an unknown processor"), runtime.NumCPU(), cmp.Or(m.memory, "an unknown amount"), cmp.Or(m.kernel, "unknown"),
		cmp.Or(m.docker, "unknown"), runtime.Version(), time.Now().UTC().Format(time.DateOnly), m.load)
}

func content(file string) string {
	raw, _ := os.ReadFile(file) // without it the answer is empty
	return strings.TrimSpace(string(raw))
}

// after is the value of the first line of a file of "key : value" lines that has the key.
func after(file, key string) string {
	for line := range strings.Lines(content(file)) {
		if k, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(k) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func gibibytes(kibibytes string) string {
	n, err := strconv.ParseFloat(strings.TrimSuffix(kibibytes, " kB"), 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%.1f GiB", n/(1<<20))
}

func dockerVersion(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").Output() // as above
	return strings.TrimSpace(string(out))
}

// loads are the load averages before and the lowest and highest while measuring.
type loads struct{ before, least, most float64 }

func (l loads) String() string {
	return fmt.Sprintf("%.1f before, %.1f to %.1f while measuring, the benchmarks' own work included", l.before, l.least, l.most)
}

// loadWatch looks at the load every few seconds until stop.
type loadWatch struct {
	end  context.CancelFunc
	seen chan loads
}

func watchLoad(ctx context.Context) *loadWatch {
	ctx, end := context.WithCancel(ctx)
	w := &loadWatch{end, make(chan loads, 1)}
	now := loadNow()
	l := loads{now, now, now}
	go func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				now := loadNow()
				l.least, l.most = min(l.least, now), max(l.most, now)
			case <-ctx.Done():
				w.seen <- l
				return
			}
		}
	}()
	return w
}

func (w *loadWatch) stop() loads {
	w.end()
	return <-w.seen
}

func loadNow() float64 {
	first, _, _ := strings.Cut(content("/proc/loadavg"), " ")
	n, _ := strconv.ParseFloat(first, 64) // 0 where there is none
	return n
}
