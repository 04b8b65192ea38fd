package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"fisherman/deployer"
	"fisherman/deployer/deployertest"
	"fisherman/server/config"
	"fisherman/server/config/source"
	"fisherman/server/config/source/sourcetest"
	"fisherman/server/discord"
)

// TestTextsAreAppliedInOrder: whoever has the configuration read while an older text is still on its way is not overtaken by that.
// Mutant: Reconcile that reads before it has its turn.
func TestTextsAreAppliedInOrder(t *testing.T) {
	g := sourcetest.Start(t)
	for name, value := range g.Env() {
		t.Setenv(name, value)
	}
	g.Put("fisherman.yaml", "one")
	from, err := source.Open(g.Location("fisherman.yaml"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var applied []string
	r := &reconciler{program: &program{settings: settings{from: from, Log: zerolog.Nop(), parse: func(raw []byte, _ files) (*config.Config, error) {
		applied = append(applied, string(raw)) // one at a time
		return nil, config.Problems{{Message: string(raw)}}
	}}}, troubles: troubles{warn: func(discord.Warning) {}, unread: map[string]string{}}}

	given, release := g.Hold()
	var asking sync.WaitGroup
	ask := func() {
		if _, err := r.Reconcile(t.Context()); !errors.As(err, new(config.Problems)) {
			t.Errorf("reconcile: %v", err)
		}
	}
	asking.Go(ask)
	<-given
	g.Put("fisherman.yaml", "two")
	second := make(chan struct{})
	asking.Go(func() { defer close(second); ask() })
	select {
	case <-second:
		t.Error("it did not wait for its turn")
	case <-time.After(200 * time.Millisecond):
	}
	release()
	asking.Wait()
	r.take(t.Context(), []byte("one")) // which somebody has been told of before all that
	if last := applied[len(applied)-1]; last != "two" || slices.Contains(applied[1:], "one") {
		t.Errorf("applied %q, in this order", applied)
	}
}

// TestALookEndsWithWhoeverAsked, and with the program: nothing is read for nobody.
func TestALookEndsWithWhoeverAsked(t *testing.T) {
	g := sourcetest.Start(t)
	for name, value := range g.Env() {
		t.Setenv(name, value)
	}
	g.Put("web.env", "A=1")
	from, err := source.Open(g.Location("fisherman.yaml"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct{ program, asked context.Context }{
		"both there":     {t.Context(), t.Context()},
		"nobody asks":    {t.Context(), over},
		"a program ends": {over, t.Context()},
	} {
		s := settings{from: from}
		s.understand(c.program, "")
		_, err := s.peek(c.asked, []byte("{ github: { secret: s }, services: { web: { repository: o/web, image: ghcr.io/o/web, env_file: web.env } } }"), nil, nil)
		if wanted := c.program == c.asked; wanted != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fullDisk is a journal whose disk can be full.
type fullDisk struct {
	deployer.Journal
	full atomic.Bool
}

func (f *fullDisk) Commit(c deployer.Change) error {
	if f.full.Load() {
		return errors.New("no space left on device")
	}
	return f.Journal.Commit(c)
}

// built is a program that was started with a configuration, of which only the deployer runs, on a stand-in for Docker.
type built struct {
	*program
	t    *testing.T
	dir  string // of state and configuration
	file string
	disk *fullDisk
}

func newBuilt(t *testing.T, text string) *built {
	t.Helper()
	dir := t.TempDir()
	for _, left := range []string{".new-4711", "other"} {
		if err := os.WriteFile(filepath.Join(dir, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &built{t: t, dir: dir, file: filepath.Join(dir, "fisherman.yaml")}
	s.write(text)
	from, err := source.Open(s.file, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set := settings{Log: zerolog.Nop(), from: from}
	set.understand(t.Context(), "")
	if err := set.startConfig(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if s.program, err = build(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	s.keep(set.raw)
	s.disk = &fullDisk{Journal: s.journal}
	s.deployer, err = deployer.New(deployer.Options{
		Services: s.Services, Runtime: deployertest.NewFake(), Traffic: s.proxy, Registry: newest{}, Journal: s.disk, Log: zerolog.Nop(), NewID: newID,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.deployer.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, s.close()); err != nil {
			t.Error(err)
		}
	})
	s.tend()
	return s
}

func (s *built) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.file, []byte(strings.Replace(text, "DIR", s.dir, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// reconcile applies a text, and returns what it changed of services, and what of it failed.
func (s *built) reconcile(text string) (plan, failures []string) {
	s.t.Helper()
	s.write(text)
	done, err := s.hot.Reconcile(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range done.Plan.Services {
		plan = append(plan, string(p.Action)+" "+p.Name)
	}
	return plan, done.Failures
}

// tend has the deployer look at what there is, and make up for what it could not do.
func (s *built) tend() {
	s.t.Helper()
	eventually(s.t, "the deployer to have restored what runs", func() bool { _, err := s.deployer.Tend(s.t.Context()); return err == nil })
}

func (s *built) services() (names []string) {
	for _, is := range s.deployer.Configured() {
		names = append(names, is.Name)
	}
	return names
}

func (s *built) kept() string {
	s.t.Helper()
	last, err := recall(s.State, s.from.Location())
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Replace(string(last.raw), s.dir, "DIR", 1)
}

const (
	onlyWeb = `
github: { secret: s }
server: { listen: "127.0.0.1:0" }
proxy: { http: "127.0.0.1:0", https: "127.0.0.1:0" }
docker: { host: "unix:///nowhere.sock" }
state: DIR
services:
  web: { repository: o/web, image: ghcr.io/o/web }
`
	webAndShop = onlyWeb + "  shop: { repository: o/shop, image: ghcr.io/o/shop }\n"
)

// TestWhatComesBackIsNotRemovedLater: the disk was full when a service was to be removed, and the owner has put it back meanwhile.
func TestWhatComesBackIsNotRemovedLater(t *testing.T) {
	s := newBuilt(t, webAndShop)
	s.disk.full.Store(true)
	if _, failures := s.reconcile(onlyWeb); len(failures) != 1 || !strings.Contains(failures[0], "services: remove shop: ") {
		t.Fatalf("on a full disk: failures %q", failures)
	}
	if s.kept() != webAndShop {
		t.Error("what could not be applied whole is kept as the last good one")
	}
	if plan, failures := s.reconcile(webAndShop); len(plan)+len(failures) > 0 {
		t.Errorf("as it was: %q, failures %q", plan, failures)
	}
	s.disk.full.Store(false)
	s.tend()
	s.hot.tryAgain()
	if got := s.services(); !slices.Equal(got, []string{"shop", "web"}) {
		t.Errorf("there are %q", got)
	}
}

// TestWhatWasMadeUpForIsKnown: a plan is of what is in force by then, and nobody is told of a trouble that is over.
func TestWhatWasMadeUpForIsKnown(t *testing.T) {
	s := newBuilt(t, webAndShop)
	s.disk.full.Store(true)
	_, failures := s.reconcile(onlyWeb)
	s.hot.tryAgain()
	if got := s.hot.Last(); len(failures) != 1 || !slices.Equal(got.Failures, failures) || !slices.Equal(got.Troubles, failures) {
		t.Fatalf("on a full disk: %q, then %+v", failures, got)
	}
	s.disk.full.Store(false)
	s.tend()
	s.hot.tryAgain()
	if got := s.hot.Last(); len(got.Failures)+len(got.Troubles) > 0 || len(got.Plan.Services) != 1 || s.kept() != onlyWeb {
		t.Errorf("once there is space: %+v; kept is %s", got, s.kept())
	}
	if plan, failures := s.reconcile(webAndShop); !slices.Equal(plan, []string{"add shop"}) || len(failures) > 0 {
		t.Errorf("back again: %q, failures %q", plan, failures)
	}
	if got := s.services(); !slices.Equal(got, []string{"shop", "web"}) {
		t.Errorf("there are %q", got)
	}
}

// TestWhatWasLeftUndoneIsDoneThoughTheNextCannotBeUsed: what has been refused since changes nothing, and is what people are told of.
func TestWhatWasLeftUndoneIsDoneThoughTheNextCannotBeUsed(t *testing.T) {
	s := newBuilt(t, webAndShop)
	s.disk.full.Store(true)
	s.reconcile(onlyWeb)
	s.write("nonsense: 1\n")
	if _, err := s.hot.Reconcile(t.Context()); err == nil {
		t.Fatal("nonsense was applied")
	}
	s.disk.full.Store(false)
	s.tend()
	s.hot.tryAgain()
	if got := s.services(); !slices.Equal(got, []string{"web"}) || s.kept() != onlyWeb {
		t.Errorf("there are %q; kept is %s", got, s.kept())
	}
	if got := s.hot.Last(); !strings.Contains(got.Refused, "nonsense") || len(got.Troubles) != 1 || !strings.Contains(got.Troubles[0], "nonsense") {
		t.Errorf("people are told %+v", got)
	}
}

// TestWhatWouldFailTheNextStartIsToldAtOnce, to whoever has changed it, and does not keep a start from taking the copy.
func TestWhatWouldFailTheNextStartIsToldAtOnce(t *testing.T) {
	s := newBuilt(t, onlyWeb)
	for name, c := range map[string]struct{ old, bad string }{
		"server.listen": {`listen: "127.0.0.1:0"`, `listen: "192.0.2.1:5000"`}, // nobody's, RFC 5737
		"proxy.http":    {`{ http: "127.0.0.1:0"`, `{ http: "192.0.2.1:80"`},
		"proxy.https":   {`https: "127.0.0.1:0"`, `https: "192.0.2.1:443", acme: { directory: "https://127.0.0.1:1/" }`},
		"state":         {"state: DIR", "state: DIR/fisherman.yaml"},
	} {
		_, failures := s.reconcile(strings.Replace(onlyWeb, c.old, c.bad, 1))
		if len(failures) == 0 || !strings.HasPrefix(failures[0], name+": the next start would fail: ") || s.kept() != onlyWeb {
			t.Errorf("%s: failures %q; kept is %s", name, failures, s.kept())
		}
		if got := s.hot.Last().Troubles; !slices.Equal(got, failures) {
			t.Errorf("%s: troubles %q, want %q", name, got, failures)
		}
		if _, failures := s.reconcile(onlyWeb); len(failures) > 0 || len(s.hot.Last().Troubles) > 0 {
			t.Errorf("%s, taken back: failures %q", name, failures)
		}
	}
	held := strings.Replace(onlyWeb, "127.0.0.1:0", s.proxy.Addr().String(), 1) // by this very process
	if _, failures := s.reconcile(held); len(failures) > 0 || s.kept() != held {
		t.Errorf("an address that somebody holds: failures %q", failures)
	}
}

// TestWhatACrashLeftOfFilesIsSweptUp: it may hold a token, and nothing else is touched.
func TestWhatACrashLeftOfFilesIsSweptUp(t *testing.T) {
	s := newBuilt(t, onlyWeb)
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Contains(names, "other") || !slices.Contains(names, tokenFile) || slices.Contains(names, ".new-4711") {
		t.Errorf("there are %q", names)
	}
}
