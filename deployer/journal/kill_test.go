package journal_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

// TestKillWhilePruning kills a process that ends deployments as fast as it can, so that it forgets all the time, and
// looks whether what it said to have written, and what was to be kept, is there. Mutant: Commit that returns before its
// transaction does.
func TestKillWhilePruning(t *testing.T) {
	if path := os.Getenv("JOURNAL_TO_PRUNE"); path != "" {
		prune(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	r := rand.New(rand.NewPCG(1, 1))
	written := map[string]deployer.State{}
	for range 15 {
		last := pruneUntilKilled(t, path, len(written), 30+r.IntN(60), time.Duration(r.IntN(2000))*time.Microsecond)
		for n := len(written); n <= last; n++ {
			written[fmt.Sprintf("%04d", n)] = stateOf(n)
		}
		if err := journal.Verify(path); err != nil {
			t.Fatal(err)
		}
		j := journal.Small(open(t, path))
		if told := j.Warnings(); len(told) != 0 {
			t.Fatalf("told %v", told)
		}
		last = compare(t, j, written)
		for n := len(written); n <= last; n++ { // it was written, and the process died before it could say so
			written[fmt.Sprintf("%04d", n)] = stateOf(n)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d deployments", len(written))
}

// stateOf is how the n-th deployment ends, if it does.
func stateOf(n int) deployer.State {
	switch {
	case n%50 == 7:
		return deployer.Waiting
	case n%9 == 0:
		return deployer.Succeeded
	}
	return deployer.Failed
}

// prune is the process that is to be killed: it writes from a number on and says what it has written.
func prune(t *testing.T, path string) {
	j := journal.Small(open(t, path))
	first, err := strconv.Atoi(os.Getenv("JOURNAL_FIRST"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Load(); err != nil {
		t.Fatal(err)
	}
	for n := first; ; n++ {
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{ended(n, "web", stateOf(n))}})
		fmt.Println("written", n)
	}
}

// pruneUntilKilled returns the last one that the process has said to have written.
func pruneUntilKilled(t *testing.T, path string, first, count int, later time.Duration) (last int) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestKillWhilePruning$", "-test.timeout=1m")
	c.Env = append(os.Environ(), "JOURNAL_TO_PRUNE="+path, "JOURNAL_FIRST="+strconv.Itoa(first))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	last = first - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		number, ok := strings.CutPrefix(lines.Text(), "written ")
		if !ok {
			t.Fatalf("the process says %q", lines.Text())
		}
		if last, err = strconv.Atoi(number); err != nil {
			t.Fatal(err)
		}
		if last == first+count {
			time.AfterFunc(later, func() { _ = c.Process.Kill() })
		}
	}
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the process ended: %v", err)
	}
	return last
}

// compare looks for all that is to be kept, and returns the number of the newest one that is there.
func compare(t *testing.T, j *journal.Journal, written map[string]deployer.State) (newest int) {
	t.Helper()
	m, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range written {
		if s == deployer.Waiting && !slices.Contains(ids(m.Active), id) {
			t.Errorf("%s has not ended and is lost", id)
		}
	}
	list, err := j.Deployments("web", 20)
	if err != nil || len(list) != 20 {
		t.Fatalf("listed %d, %v", len(list), err)
	}
	if newest, err = strconv.Atoi(list[0].ID); err != nil {
		t.Fatal(err)
	}
	var good []string
	for n := newest; n >= 0; n-- {
		id := fmt.Sprintf("%04d", n)
		if age := newest - n; age < 20 && (list[age].ID != id || list[age].State != stateOf(n)) {
			t.Errorf("in place of %s, %s, there is %s, %s", id, stateOf(n), list[age].ID, list[age].State)
		}
		if stateOf(n) == deployer.Succeeded && len(good) < 5 {
			good = append(good, id)
		}
		if judged, err := j.Judged("web", "sha256:"+id); newest-n < 50 && judged != stateOf(n).Judges() || err != nil {
			t.Errorf("judged %s: %v, %v", id, judged, err)
		}
	}
	if list, err := j.Succeeded("web", 5); err != nil || !slices.Equal(ids(list), good) {
		t.Errorf("succeeded %v, %v; want %v", ids(list), err, good)
	}
	if newest < len(written)-1 {
		t.Errorf("the newest is %d; %d were written", newest, len(written))
	}
	return newest
}
