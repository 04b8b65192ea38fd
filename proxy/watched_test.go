package proxy

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestAFileThatIsBeingWrittenIsNotUsed, though what is there of it makes sense: a certificate whose chain is to come.
func TestAFileThatIsBeingWrittenIsNotUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	w := watched[string]{files: []string{file}, make: func(contents [][]byte) (string, error) { return string(contents[0]), nil }}
	for i, step := range []struct {
		content string
		want    string
	}{{"old", "old"}, {"old", "old"}, {"ne", "old"}, {"new", "old"}, {"new", "new"}, {"new", "new"}} {
		if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
			t.Fatal(err)
		}
		before := w.is
		if changed := w.reread(); changed != (before != w.is) || w.is != step.want || w.err != nil {
			t.Errorf("look %d: %q, changed %v, %v; want %q", i, w.is, changed, w.err, step.want)
		}
	}
}

// TestTwoLooksInARowAreOne: somebody else may look, too, and only what stays for a while is not being written.
func TestTwoLooksInARowAreOne(t *testing.T) {
	const pause = time.Minute
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		w := watched[string]{files: []string{file}, pause: pause, make: func(contents [][]byte) (string, error) { return string(contents[0]), nil }}
		for i, step := range []struct {
			after   time.Duration
			content string
			want    string
		}{
			{0, "old", "old"},
			{0, "ne", "old"},
			{pause / 2, "ne", "old"},
			{pause / 2, "new", "old"}, // in time
			{pause / 2, "new", "old"},
			{pause / 2, "new", "new"},
			{pause, "old", "new"},
			{pause, "old", "old"},
		} {
			time.Sleep(step.after)
			if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if w.reread(); w.is != step.want {
				t.Errorf("look %d: %q, want %q", i, w.is, step.want)
			}
		}
	})
}
