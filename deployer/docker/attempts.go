package docker

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"fisherman/deployer"
)

// maxAttempts is how many answers of a release that is waited for are kept: one that answers otherwise every time says no
// more by saying it again.
const maxAttempts = 40

// attempts are the answers of the containers of one release while it is waited for. Each is told, and those that differ
// from the container's last one are kept.
type attempts struct {
	tell  func(deployer.Report)
	total int // good answers in a row that are needed, of all containers together

	mu      sync.Mutex
	streaks map[string]int
	last    map[string]string
	kept    int
}

func newAttempts(tell func(deployer.Report), total int) *attempts {
	return &attempts{tell: tell, total: total, streaks: map[string]int{}, last: map[string]string{}}
}

// heard takes an answer of a container, and how many good ones in a row those make.
func (a *attempts) heard(container string, streak int, err error) {
	text := container + " is well"
	if err != nil {
		text = fmt.Sprintf("%s: %v", container, err)
	}
	done, news := a.take(container, streak, gist(err))
	a.tell(deployer.Report{Text: text, Done: int64(done), Total: int64(a.total), Passing: !news})
}

func (a *attempts) take(container string, streak int, gist string) (done int, news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streaks[container] = streak
	for _, n := range a.streaks {
		done += n
	}
	if news = a.last[container] != gist && a.kept < maxAttempts; news {
		a.last[container] = gist
		a.kept++
	}
	return done, news
}

// gist is what makes an answer another one. The addresses of a connection that failed do not: one has another port each
// time.
func gist(err error) string {
	var failed *net.OpError
	switch {
	case err == nil:
		return "well"
	case errors.As(err, &failed):
		return failed.Op + ": " + failed.Err.Error()
	}
	return err.Error()
}
