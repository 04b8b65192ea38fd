package journal_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

func small(t *testing.T) *journal.Journal {
	t.Helper()
	return journal.Unsynced(journal.Small(open(t, filepath.Join(memory(t), "journal.db"))))
}

func ended(n int, service string, s deployer.State) deployer.Deployment {
	return deployer.Deployment{ID: fmt.Sprintf("%04d", n), Service: service, State: s, Digest: fmt.Sprintf("sha256:%04d", n), Arrival: int64(n)}
}

func ids(list []deployer.Deployment) (ids []string) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

// TestWhatIsKeptOfAService compares with what the limits say: 20 deployments, 5 that succeeded, 60 judged digests, and
// what has not ended. Mutants: surplus without good, without active, without digests; forget without messages.
func TestWhatIsKeptOfAService(t *testing.T) {
	j := small(t)
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{{ID: "0000", Service: "web", State: deployer.Waiting}}})
	for n := 1; n <= 300; n++ {
		state := deployer.Failed
		if n <= 200 && n%10 == 0 { // the last that succeeded are 160, 170, 180, 190 and 200
			state = deployer.Succeeded
		}
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{ended(n, "web", state), ended(n+1000, "api", deployer.Failed)}})
		if err := j.SetMessage(fmt.Sprintf("%04d", n), "message"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Load(); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := 300; n > 280; n-- {
		want = append(want, fmt.Sprintf("%04d", n))
	}
	want = append(want, "0200", "0190", "0180", "0170", "0160", "0000")
	if list, err := j.Deployments("web", 1000); err != nil || !slices.Equal(ids(list), want) {
		t.Errorf("kept %v, %v\nwant %v", ids(list), err, want)
	}
	if list, err := j.Succeeded("web", 1000); err != nil || !slices.Equal(ids(list), want[20:25]) {
		t.Errorf("kept of those that succeeded %v, %v; want %v", ids(list), err, want[20:25])
	}
	for n := range 300 {
		id := fmt.Sprintf("%04d", n)
		kept := slices.Contains(want, id)
		if message, err := j.Message(id); (message != "") != (kept && n > 0) || err != nil {
			t.Errorf("message of %s: %q, %v; want it with its deployment", id, message, err)
		}
		if got, err := j.Judged("web", "sha256:"+id); got != (n > 240 || kept && n > 0) || err != nil {
			t.Errorf("judged %s: %v, %v", id, got, err)
		}
	}
	if all, err := j.Deployments("", 1000); err != nil || len(all) != len(want)+20 {
		t.Errorf("kept %d, %v; want %d", len(all), err, len(want)+20)
	}
}

// TestADigestThatIsJudgedAgainIsYoung. Mutant: judge without Delete forgets it with its first judgement.
func TestADigestThatIsJudgedAgainIsYoung(t *testing.T) {
	j := small(t)
	for n := range 80 {
		d := ended(n, "web", deployer.Failed)
		if n == 30 {
			d.Digest = "sha256:0000"
		}
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{d}})
	}
	if _, err := j.Load(); err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]bool{"sha256:0000": true, "sha256:0001": false, "sha256:0079": true} {
		if got, err := j.Judged("web", digest); got != want || err != nil {
			t.Errorf("judged %s: %v, %v; want %v", digest, got, err, want)
		}
	}
}

// TestTheDigestOfAKeptReleaseStaysJudged, whichever deployment judged it last. Mutant: surplus without digests.
func TestTheDigestOfAKeptReleaseStaysJudged(t *testing.T) {
	j := small(t)
	for n := range 200 {
		d := ended(n, "web", deployer.Failed)
		switch n {
		case 5:
			d.State = deployer.Succeeded
		case 10:
			d.Digest = "sha256:0005"
		}
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{d}})
	}
	if _, err := j.Load(); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Judged("web", "sha256:0005"); !got || err != nil {
		t.Errorf("judged %v, %v; want what can be rolled back to never to come back by itself", got, err)
	}
}

// TestDeliveriesAreBounded: 50 are kept, more as long as GitHub may send them again, and never more than 80. Mutant:
// forgets without redeliverable.
func TestDeliveriesAreBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		kept int
	}{{"those that cannot come again", 5 * 24 * time.Hour, 50}, {"those that may", time.Hour, 80}} {
		t.Run(c.name, func(t *testing.T) {
			j := small(t)
			for n := range 300 {
				commit(t, j, deployer.Change{Delivery: &deployer.Delivery{Repository: "o/web", ID: fmt.Sprint(n), At: time.Now().Add(-c.age)}})
			}
			for n := range 300 {
				if _, known, err := j.Delivery("o/web", fmt.Sprint(n)); known != (n >= 300-c.kept) || err != nil {
					t.Errorf("delivery %d is known: %v, %v; want the last %d", n, known, err, c.kept)
				}
			}
		})
	}
}

// Mutant: SetMessage without queueMessage.
func TestMessagesOfOutagesAreBounded(t *testing.T) {
	j := small(t)
	for n := range 100 {
		if err := j.SetMessage(fmt.Sprintf("web down since %03d", n), "message"); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		id, err := j.Message(fmt.Sprintf("web down since %03d", n))
		if (id != "") != (n >= 90) || err != nil {
			t.Errorf("message %d: %q, %v; want the last 10", n, id, err)
		}
	}
	if err := j.SetMessage("web down since 099", ""); err != nil {
		t.Fatal(err)
	}
	if id, err := j.Message("web down since 099"); id != "" || err != nil {
		t.Errorf("message %q, %v; want none", id, err)
	}
}

// Mutants: Configured that marks no departure, that never takes it back, that forgets all services.
func TestAServiceThatLeftIsForgottenAfterThirtyDays(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		j := small(t)
		for n := range 30 {
			for i, service := range []string{"web", "api", "back"} {
				commit(t, j, deployer.Change{
					Deployments: []deployer.Deployment{ended(1000*i+n, service, deployer.Succeeded)},
					Orders:      map[string]deployer.Order{service: {{After: "a"}}},
					Lookups:     []deployer.Lookup{{Service: service, Trigger: deployer.Trigger{Digest: fmt.Sprint(n)}}},
				})
			}
		}
		start := func(services ...string) (m deployer.Memory) {
			t.Helper()
			m, err := j.Load()
			if err == nil {
				err = j.Configured(services)
			}
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		start("web")
		time.Sleep(29 * day)
		start("web", "back")
		time.Sleep(2 * day)
		start("web") // "back" leaves a second time
		m := start("web")
		if len(m.Orders) != 2 || len(m.Lookups) != 60 {
			t.Errorf("%d orders and %d look-ups are left, want those of two services", len(m.Orders), len(m.Lookups))
		}
		for service, want := range map[string]int{"web": 20, "api": 0, "back": 20} {
			if list, err := j.Deployments(service, 100); len(list) != want || err != nil {
				t.Errorf("%d deployments of %s are left, %v; want %d", len(list), service, err, want)
			}
			if got, err := j.Judged(service, "sha256:"+map[string]string{"web": "0029", "api": "1029", "back": "2029"}[service]); got != (want > 0) || err != nil {
				t.Errorf("judged for %s: %v, %v", service, got, err)
			}
		}
		time.Sleep(31 * day)
		start("web")
		if list, err := j.Deployments("back", 100); len(list) != 0 || err != nil {
			t.Errorf("%d are left of a service that left twice, %v", len(list), err)
		}
	})
}

// TestTheFileStopsGrowing. Mutants: trimNowAndThen that does nothing; forgetDeliveries that leaves the delivery.
func TestTheFileStopsGrowing(t *testing.T) {
	path := filepath.Join(memory(t), "journal.db")
	l := &lives{j: journal.Unsynced(journal.Small(open(t, path))), services: []string{"web", "api"}, notes: 7}
	const count = 150
	l.replay(t, count)
	once := size(t, path)
	l.replay(t, 2*count)
	if thrice := size(t, path); thrice > once*5/4 {
		t.Errorf("%d bytes after %d deployments, %d after %d", once, count, thrice, 3*count)
	}
	if err := l.j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := journal.Verify(path); err != nil {
		t.Error(err)
	}
}

// TestAnyUseKeepsTheFileSound: what is verified is what bbolt writes, whatever is deleted. Mutant: between that wants keys
// to begin later than the page above says.
func TestAnyUseKeepsTheFileSound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	path := filepath.Join(memory(t), "journal.db")
	l := &lives{j: journal.Unsynced(journal.Small(open(t, path)))}
	for round := range 15 {
		l.notes, l.services = r.IntN(100), names(1+r.IntN(9))
		l.replay(t, 5+r.IntN(20))
		if err := l.j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := journal.Verify(path); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		l.j = journal.Unsynced(journal.Small(open(t, path)))
		if _, err := l.j.Load(); err != nil {
			t.Fatal(err)
		}
		if told := l.j.Warnings(); len(told) != 0 {
			t.Fatalf("round %d: %v", round, told)
		}
	}
}
