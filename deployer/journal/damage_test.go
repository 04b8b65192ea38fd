package journal_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

// sample is a journal in use: pages of every kind, free ones among them, and records of every kind.
func sample(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := journal.Unsynced(journal.Small(open(t, path)))
	l := &lives{j: j, services: []string{"web", "api", "worker"}, notes: 7}
	l.replay(t, 90)
	for n := range 3 {
		commit(t, j, deployer.Change{
			Deployments: []deployer.Deployment{full("01Z"+strconv.Itoa(n), deployer.Queued)},
			Lookups:     []deployer.Lookup{{Service: "web", Trigger: deployer.Trigger{Digest: l.digest(9000 + n)}}},
		})
	}
	if err := j.SetMessage("outage of web", "1"); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// use does with a journal whatever the program does.
func use(t *testing.T, j *journal.Journal) {
	t.Helper()
	m, err := j.Load()
	if err != nil {
		t.Errorf("load: %v", err)
	}
	all, err := j.Deployments("", 10)
	if err != nil {
		t.Errorf("list: %v", err)
	}
	for _, d := range append(all, m.Active...) { // of a damaged file, they may not be found
		_, _ = j.Deployment(d.ID)
		_, _ = j.Message(d.ID)
		_, _ = j.Judged(d.Service, d.Digest)
		_, _, _ = j.Delivery(d.Repository, d.Cause.Delivery)
		_, _ = j.Deployments(d.Service, 3)
		_, _ = j.Succeeded(d.Service, 3)
	}
	if err := j.Configured([]string{"web", "api"}); err != nil {
		t.Errorf("configured: %v", err)
	}
	l := &lives{j: journal.Unsynced(journal.Small(j)), services: []string{"web", "api"}, notes: 7, begun: 1000}
	l.replay(t, 3)
	if _, err := j.Deployment(l.id(1002)); err != nil {
		t.Errorf("what was written after the damage: %v", err)
	}
}

// damages are ways to break a file.
func damages(original []byte) []func(raw []byte, r *rand.Rand) []byte {
	odd := []uint64{0, 1, 2, 3, 0x10, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, 1<<63 - 1, 1<<64 - 1}
	pages := len(original) / 4096
	number := func(raw []byte, at int, r *rand.Rand) {
		v := odd[r.IntN(len(odd))]
		switch r.IntN(3) {
		case 0:
			binary.NativeEndian.PutUint16(raw[at:], uint16(v))
		case 1:
			binary.NativeEndian.PutUint32(raw[at:], uint32(v))
		default:
			binary.NativeEndian.PutUint64(raw[at:], v)
		}
	}
	return []func([]byte, *rand.Rand) []byte{
		func(raw []byte, r *rand.Rand) []byte { return raw[:r.IntN(len(raw))] },
		func(raw []byte, r *rand.Rand) []byte { return raw[:r.IntN(pages)*4096] },
		func(raw []byte, r *rand.Rand) []byte { // bits
			for range 1 + r.IntN(8) {
				raw[r.IntN(len(raw))] ^= 1 << r.IntN(8)
			}
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // one number in the head of a page or of its entries
			number(raw, r.IntN(pages)*4096+2*r.IntN(200), r)
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // an old page in the place of a new one
			copy(raw[r.IntN(pages)*4096:], raw[r.IntN(pages)*4096:][:4096])
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // the same, and it says that it is the right one
			to, from := r.IntN(pages), r.IntN(pages)
			copy(raw[to*4096:], raw[from*4096:][:4096])
			binary.NativeEndian.PutUint64(raw[to*4096:], uint64(to))
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // a page that was never written
			clear(raw[r.IntN(pages)*4096:][:4096])
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // garbage
			for i := range raw[r.IntN(len(raw)-512):][:r.IntN(512)] {
				raw[i] = byte(r.Uint32())
			}
			return raw
		},
		func(raw []byte, r *rand.Rand) []byte { // a wrong header with a right checksum
			for page := range 1 + r.IntN(2) {
				head := raw[page*4096+16:][:64]
				number(head, 8+8*r.IntN(6), r)
				sum := fnv.New64a()
				_, _ = sum.Write(head[:56])
				binary.NativeEndian.PutUint64(head[56:], sum.Sum64())
			}
			return raw
		},
	}
}

// TestADamagedFileNeverStopsTheStart breaks a file in hundreds of ways. bbolt alone kills the process in many of them.
// JOURNAL_DAMAGES is how often, 300 times without; JOURNAL_SEED where it begins. Mutants: Open without verify; a
// verifier without take, or with a between that takes later first keys.
func TestADamagedFileNeverStopsTheStart(t *testing.T) {
	original := sample(t)
	rounds, first := setting(t, "JOURNAL_DAMAGES", 300), setting(t, "JOURNAL_SEED", 1)
	ways := damages(original)
	directory, worked, aside := memory(t), 0, 0
	for seed := first; seed < first+rounds; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		broken := ways[r.IntN(len(ways))](append([]byte(nil), original...), r)
		if survives(t, filepath.Join(directory, strconv.Itoa(seed)), broken) {
			worked++
		} else {
			aside++
		}
	}
	t.Logf("%d worked, %d were set aside", worked, aside)
	if rounds > 100 && (worked == 0 || aside == 0) {
		t.Errorf("%d worked, %d were set aside; want some of each", worked, aside)
	}
}

// survives opens and uses a broken file in a directory of its own, and reports whether it was not set aside.
func survives(t *testing.T, directory string, broken []byte) (worked bool) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the file that was opened is kept as %s", kept(t, broken))
			t.FailNow()
		}
	}()
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "journal.db")
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	worked = !strings.Contains(strings.Join(j.Warnings(), "\n"), "was set aside as")
	use(t, j)
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := journal.Verify(path); err != nil {
		t.Errorf("after use: %v", err)
	}
	return worked
}

// kept keeps a file for a look at it: bbolt lays its pages out differently each time, so no seed brings it back.
func kept(t *testing.T, raw []byte) string {
	t.Helper()
	f, err := os.CreateTemp("", "broken-*.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(raw); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return f.Name()
}

func setting(t *testing.T, name string, normal int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return normal
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return n
}

// memory is a directory that need not be synced, where the machine has one.
func memory(t testing.TB) string {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "journal")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}

// TestADiskThatBreaksInUseIsAnError: the memory that maps the file faults. Mutants: guard without SetPanicOnFault
// or without broken; Close without it.
func TestADiskThatBreaksInUseIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	l := &lives{j: open(t, path), services: []string{"web"}, notes: 7}
	l.replay(t, 20)
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if list, err := l.j.Deployments("web", 100); err == nil || !strings.Contains(err.Error(), "the journal is damaged") {
		t.Errorf("listed %d, %v; want to hear of the damage", len(list), err)
	}
	c := deployer.Change{Deployments: []deployer.Deployment{full("1", deployer.Queued)}}
	if err := l.j.Commit(c); err == nil || !strings.Contains(err.Error(), "restart fisherman") {
		t.Errorf("wrote: %v; want to hear what to do", err)
	}
	if err := l.j.Close(); err != nil {
		t.Error(err)
	}
}
