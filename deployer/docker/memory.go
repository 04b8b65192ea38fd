package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"fisherman/deployer"
)

// checkMemory sees that the machine can hold the new copies: beside the old ones what is available now must do; where the new
// ones take the place of the old, what the machine has. Without a limit nobody knows what a copy takes.
func (e *Engine) checkMemory(ctx context.Context, r deployer.Release) error {
	each := r.Service.Resources.Memory
	if each <= 0 {
		return nil
	}
	free, err := e.memoryFor(ctx, r.Service.Strategy)
	if err != nil {
		e.unanswered("how much memory there is", err)
		return ctx.Err()
	}
	copies := int64(max(1, r.Service.Replicas) - e.alreadyUp(ctx, r.ID))
	if copies*each <= free {
		return nil
	}
	if r.Service.Strategy == deployer.Recreate {
		return fmt.Errorf("this machine has %s of memory, and %d of %s need %s; lower replicas or resources.memory, or use a larger machine",
			mebibytes(free), copies, r.Service.Name, mebibytes(copies*each))
	}
	return fmt.Errorf("this machine has %s of memory available, and %d more of %s beside the old need %s; lower replicas or resources.memory, stop something, or set `strategy: recreate`, which never runs both",
		mebibytes(free), copies, r.Service.Name, mebibytes(copies*each))
}

// memoryFor is what new copies may take, in bytes.
func (e *Engine) memoryFor(ctx context.Context, s deployer.Strategy) (int64, error) {
	if file, err := os.Open("/proc/meminfo"); err == nil {
		defer func() { _ = file.Close() }()
		field := "MemAvailable"
		if s == deployer.Recreate {
			field = "MemTotal"
		}
		if bytes, ok := meminfo(file, field); ok {
			return bytes, nil
		}
	}
	info, err := e.info(ctx)
	return info.MemTotal, err
}

// meminfo reads one field of /proc/meminfo (proc_meminfo(5)), in bytes.
func meminfo(from io.Reader, field string) (bytes int64, ok bool) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), field+":"); found {
			n, _ := fmt.Sscanf(rest, "%d kB", &bytes)
			return bytes << 10, n == 1
		}
	}
	return 0, false
}

// alreadyUp counts the containers of the release that run: those of a deployment that goes on after a crash hold theirs.
func (e *Engine) alreadyUp(ctx context.Context, id string) (up int) {
	found, err := e.containers(ctx, id)
	if err != nil {
		e.unanswered("what runs already", err)
	}
	for _, c := range found {
		if e.replica(c).Running {
			up++
		}
	}
	return up
}

// mebibytes is how limits are written.
func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
