package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/server/config/source"
)

// TestAStartFromTheCopyWatchesWhatThePresentOneLacked, and the copy's files, too.
func TestAStartFromTheCopyWatchesWhatThePresentOneLacked(t *testing.T) {
	for _, appears := range []string{"missing.env", "kept.env"} {
		t.Run(appears, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			text := onlyWeb + "    env_file: kept.env\n"
			text = strings.Replace(text, "web: { repository: o/web, image: ghcr.io/o/web }", "web:\n    repository: o/web\n    image: ghcr.io/o/web", 1)
			write("kept.env", "A=1")
			write("fisherman.yaml", strings.Replace(text, "kept.env", "missing.env", 1))
			from, err := source.Open(filepath.Join(dir, "fisherman.yaml"), source.Options{Look: time.Millisecond, Settle: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if err := keepLastGood(dir, from.Location(), []byte(text)); err != nil {
				t.Fatal(err)
			}
			s := settings{Log: zerolog.Nop(), from: from}
			if err := s.startConfig(t.Context(), dir); err != nil || !strings.Contains(s.copied, "missing.env") || len(s.Lacks) > 0 {
				t.Fatalf("started with %q, %q is lacking: %v", s.copied, s.Lacks, err)
			}
			changed := make(chan []byte, 1)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				from.Run(ctx, func(_ context.Context, raw []byte) { changed <- raw; <-ctx.Done() })
			}()
			write(appears, "B=2")
			select {
			case raw := <-changed:
				if !strings.Contains(string(raw), "missing.env") {
					t.Errorf("told of %s", raw)
				}
			case <-time.After(patience):
				t.Error("nobody was told")
			}
			stop()
			<-ended
		})
	}
}
