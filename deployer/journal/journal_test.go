package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fisherman/deployer"
	"fisherman/deployer/journal"
)

func open(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// reopened is what the next process finds.
func reopened(t *testing.T, j *journal.Journal, path string) *journal.Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func commit(t *testing.T, j *journal.Journal, c deployer.Change) {
	t.Helper()
	if err := j.Commit(c); err != nil {
		t.Fatal(err)
	}
}

func at(second int) time.Time { return time.Date(2025, 6, 2, 8, 15, second, 0, time.UTC) }

// full is a deployment with something in every field, so that a field that is not kept is seen.
func full(id string, state deployer.State) deployer.Deployment {
	return deployer.Deployment{
		ID: id, Service: "web", State: state, Image: "ghcr.io/o/web", Reference: "latest", Digest: "sha256:" + id, Commit: "c" + id,
		Repository: "o/web", Message: "change", Author: "Octo Cat", Reason: "why",
		Cause:     deployer.Cause{Kind: deployer.KindPackage, Delivery: "delivery-" + id, Sender: "octocat"},
		CreatedAt: at(1), FinishedAt: at(9), Steps: steps(state),
		Notes: []deployer.Note{{At: at(2), Text: "pulling"}}, Dropped: 3, From: "0", Spec: "abc", Stops: 1, Arrival: 7, Anew: true, Warning: "after it", Concluded: true,
		Told: &deployer.Ending{State: deployer.Cancelled, Reason: "asked"}, Replaces: "0", Before: deployer.Share{All: 9, Failed: 1},
	}
}

func steps(last deployer.State) []deployer.Step {
	known := &deployer.Known{Digest: "sha256:1", Cause: deployer.Cause{Kind: deployer.KindPush}}
	return []deployer.Step{{State: deployer.Queued, At: at(1), Tick: 8, Known: known}, {State: last, At: at(9), Tick: 9}}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	d := full("1", deployer.Verifying)
	if v := reflect.ValueOf(d); true {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Fatalf("the test leaves %s empty", v.Type().Field(i).Name)
			}
		}
	}
	want := deployer.Memory{
		Active: []deployer.Deployment{d},
		Orders: map[string]deployer.Order{"web": {{Before: "a", After: "b", Forced: true}}},
		Lookups: []deployer.Lookup{{Service: "web", Since: at(3), Tried: 2, Trigger: deployer.Trigger{
			Kind: deployer.KindPackage, Delivery: "d", Repository: "o/web", Sender: "octocat", Image: "i", Tag: "v1", Digest: "sha256:2", Commit: "c",
		}}},
		Arrival: 9, // the last step's tick
	}
	commit(t, j, deployer.Change{
		Deployments: want.Active, Orders: want.Orders, Lookups: want.Lookups,
		Delivery: &deployer.Delivery{Repository: "o/web", ID: "GUID", Deployments: []string{"1"}, At: time.Now()},
	})
	if err := j.SetMessage("1", "discord"); err != nil {
		t.Fatal(err)
	}
	j = reopened(t, j, path)
	if got, err := j.Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v, %v\nwant   %+v", got, err, want)
	}
	if got, err := j.Deployment("1"); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("deployment %+v, %v; want %+v", got, err, d)
	}
	if ids, known, err := j.Delivery("o/web", "GUID"); err != nil || !known || !reflect.DeepEqual(ids, []string{"1"}) {
		t.Errorf("delivery %v, %v, %v; want it known", ids, known, err)
	}
	if id, err := j.Message("1"); err != nil || id != "discord" {
		t.Errorf("message %q, %v", id, err)
	}
}

func TestADeliveryIsKnownByItsRepositoryToo(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	commit(t, j, deployer.Change{Delivery: &deployer.Delivery{Repository: "o/web", ID: "GUID", At: time.Now()}})
	for _, other := range [][2]string{{"o/else", "GUID"}, {"o/web", "other"}, {"o/we", "bGUID"}} {
		if _, known, err := j.Delivery(other[0], other[1]); known || err != nil {
			t.Errorf("%v is known: %v, %v", other, known, err)
		}
	}
}

// Mutant: Load without tidy.
func TestADeliveryIsForgottenAfterThirtyDays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	for _, d := range []struct { // the young one first: no Commit looks further than that
		id  string
		age time.Duration
	}{{"young", 29 * 24 * time.Hour}, {"old", 31 * 24 * time.Hour}} {
		for i := range 100 {
			id := fmt.Sprint(d.id, i)
			commit(t, j, deployer.Change{Delivery: &deployer.Delivery{Repository: "o/web", ID: id, At: time.Now().Add(-d.age)}})
		}
	}
	if _, err := j.Load(); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"old0": false, "old99": false, "young0": true, "young99": true} {
		if _, known, err := j.Delivery("o/web", id); known != want || err != nil {
			t.Errorf("%s: known %v, %v; want %v", id, known, err, want)
		}
	}
}

// Mutants: lastWith that seeks the prefix itself; Deployments without a limit.
func TestTheNewestAreListedFirst(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	for i, service := range []string{"web", "we", "web", "webb", "web", "zoo"} {
		d := full(fmt.Sprintf("%02d", i), deployer.Succeeded)
		d.Service = service
		commit(t, j, deployer.Change{Deployments: []deployer.Deployment{d}})
	}
	for _, c := range []struct {
		service string
		limit   int
		want    string
	}{
		{"", 50, "05 04 03 02 01 00"},
		{"", 2, "05 04"},
		{"web", 50, "04 02 00"},
		{"web", 1, "04"},
		{"we", 50, "01"},
		{"webb", 50, "03"},
		{"zoo", 50, "05"},
		{"unknown", 50, ""},
		{"zz", 50, ""},
	} {
		list, err := j.Deployments(c.service, c.limit)
		ids := make([]string, len(list))
		for i, d := range list {
			ids[i] = d.ID
		}
		if got := strings.Join(ids, " "); got != c.want || err != nil {
			t.Errorf("%d of %q: %s, %v; want %s", c.limit, c.service, got, err, c.want)
		}
	}
}

// Mutants: Judges without superseded; judged without the service.
func TestADigestIsJudgedOnceADeploymentOfItEndedHere(t *testing.T) {
	for state, want := range map[deployer.State]bool{
		deployer.Waiting: false, deployer.Queued: false, deployer.Verifying: false, deployer.Draining: false,
		deployer.Succeeded: true, deployer.Failed: true, deployer.RolledBack: true, deployer.Superseded: true,
		deployer.Cancelled: false, deployer.Unchanged: false,
	} {
		t.Run(string(state), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			j := open(t, path)
			commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("1", state)}})
			j = reopened(t, j, path)
			if got, err := j.Judged("web", "sha256:1"); got != want || err != nil {
				t.Errorf("judged %v, %v; want %v", got, err, want)
			}
			if got, err := j.Judged("other", "sha256:1"); got || err != nil {
				t.Errorf("judged for another service: %v, %v", got, err)
			}
		})
	}
}

func TestWhatEndedOrIsDoneIsNotLoaded(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	lookup := deployer.Lookup{Service: "web", Trigger: deployer.Trigger{Digest: "sha256:1"}}
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("1", deployer.Queued)}, Lookups: []deployer.Lookup{lookup}})
	lookup.Done = true
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("1", deployer.Failed)}, Lookups: []deployer.Lookup{lookup}})
	if m, err := j.Load(); err != nil || len(m.Active)+len(m.Lookups) > 0 {
		t.Errorf("loaded %+v, %v; want nothing to do", m, err)
	}
}

func TestActiveOnesAreLoadedInTheOrderOfArrival(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	first, second := full("2", deployer.Queued), full("1", deployer.Queued)
	first.Arrival, second.Arrival = 5, 9
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{second, first}})
	second.State = deployer.Failed
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{second}})
	second.State = deployer.Queued
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{second}})
	m, err := reopened(t, j, path).Load()
	if err != nil || len(m.Active) != 2 || m.Active[0].ID != "2" || m.Active[1].ID != "1" {
		t.Errorf("loaded %+v, %v; want the first arrival first", m.Active, err)
	}
	if m.Arrival != 9 {
		t.Errorf("the highest arrival is %d, want 9", m.Arrival)
	}
}

func TestAnUnknownDeploymentIsNotFound(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	if _, err := j.Deployment("unknown"); !errors.Is(err, deployer.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// Mutant: Open without a timeout hangs.
func TestASecondServerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	open(t, path)
	if _, err := journal.Open(path); err == nil || !strings.Contains(err.Error(), "another fisherman uses this state directory") {
		t.Errorf("opened twice: %v, want to hear of the other one", err)
	}
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}
