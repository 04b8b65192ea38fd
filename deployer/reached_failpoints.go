//go:build failpoints

package deployer

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// killAt is the variable that names the point to die at, as "before switching" or, for its third time, "before switching:3".
// Its text is how a test knows that a release binary has no failpoints.
const killAt = "FISHERMAN_KILL_AT"

// aim is the point to die at, and how often it may still be passed.
type aim struct {
	point string
	left  atomic.Int64
}

var aimed = sync.OnceValue(func() *aim { //nolint:gochecknoglobals // absent from the release binary
	point, times, _ := strings.Cut(os.Getenv(killAt), ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		n = 1
	}
	a := &aim{point: point}
	a.left.Store(n)
	return a
})

// reached ends the process as kill -9 would, at the point that the environment names, and says when: whoever waits for its end
// may hear of it much later. Nothing runs after it: no defer, no signal handler, no flush.
func reached(point string) {
	if a := aimed(); a.point != point || a.left.Add(-1) != 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "dies at %s\n", time.Now().Format(time.RFC3339Nano))
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // until the signal is delivered
}
