package journal_test

import (
	"errors"
	"strings"
	"testing"

	"fisherman/deployer"

	bolt "go.etcd.io/bbolt"
)

// TestARecordThatCannotBeReadDoesNotStopTheRest. Mutants: recall that returns the error; Deployments that does; repair
// without lost.
func TestARecordThatCannotBeReadDoesNotStopTheRest(t *testing.T) {
	for name, broken := range map[string]string{
		"no JSON":       `{"ID":"1","Service":"web","State":"queu`,
		"another type":  `{"ID":"1","Service":7}`,
		"another's":     `{"ID":"7","Service":"web","State":"queued"}`,
		"unknown state": `{"ID":"1","Service":"web","State":"qteued"}`,
		"unknown end":   `{"ID":"1","Service":"web","State":"queued","Told":{"State":"queued"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := used(t)
			edit(t, path, func(tx *bolt.Tx) error {
				return errors.Join(
					tx.Bucket([]byte("deployments")).Put([]byte("1"), []byte(broken)),
					tx.Bucket([]byte("lookups")).Put([]byte("web\x00sha256:8"), []byte(`{`)),
					tx.Bucket([]byte("lookups")).Put([]byte("web\x00sha256:7"), []byte(`{"Service":"web","Trigger":{"Digest":"sha256:6"}}`)),
					tx.Bucket([]byte("orders")).Put([]byte("api"), []byte(`[`)),
					tx.Bucket([]byte("meta")).Put([]byte("indexed"), []byte("nothing")),
				)
			})
			j := open(t, path)
			m, err := j.Load()
			if err != nil || len(m.Active) != 0 || len(m.Lookups) != 1 || len(m.Orders) != 1 {
				t.Errorf("loaded %+v, %v; want what is sound", m, err)
			}
			told := strings.Join(j.Warnings(), "\n")
			for _, want := range []string{`"1" of deployments`, `"web\x00sha256:8" of lookups`, `"web\x00sha256:7" of lookups`, `"api" of orders`} {
				if !strings.Contains(told, want) {
					t.Errorf("told %q; want to hear of %s", told, want)
				}
			}
			list, err := j.Deployments("web", 9)
			if err != nil || len(list) != 2 || list[1].State != deployer.Failed || !strings.Contains(list[1].Reason, "is damaged") {
				t.Errorf("listed %+v, %v; want the broken one as failed, and why", list, err)
			}
			j = reopened(t, j, path)
			if _, err := j.Load(); err != nil || len(j.Warnings()) != 0 {
				t.Errorf("told again: %v", err)
			}
		})
	}
}

// TestARecordThatBreaksLater: the index says that all is well. Mutants: recall without sound; Deployment that is not
// ErrNotFound, which would stop the start.
func TestARecordThatBreaksLater(t *testing.T) {
	path := used(t)
	j := open(t, path)
	commit(t, j, deployer.Change{Deployments: []deployer.Deployment{full("3", deployer.Succeeded), full("4", deployer.Queued)}})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw := content(t, path)
	for _, id := range []string{"2", "4"} { // as long as before: the pages stay sound
		raw = []byte(strings.ReplaceAll(string(raw), `{"ID":"`+id+`"`, `{"ID":"`+id+`!`))
	}
	write(t, path, raw)
	j = open(t, path)
	if _, err := j.Deployment("2"); !errors.Is(err, deployer.ErrNotFound) || !strings.Contains(err.Error(), `record "2" of deployments is damaged`) {
		t.Errorf("read %v; want it not to be found, and why", err)
	}
	if list, err := j.Deployments("web", 9); err != nil || len(list) != 4 || !strings.Contains(list[2].Reason, "is damaged") {
		t.Errorf("listed %+v, %v; want all", list, err)
	}
	if list, err := j.Succeeded("web", 9); err != nil || len(list) != 1 || list[0].ID != "3" {
		t.Errorf("succeeded %+v, %v; want the one that can be read", list, err)
	}
	m, err := j.Load()
	if err != nil || len(m.Active) != 1 || m.Active[0].ID != "1" {
		t.Errorf("loaded %+v, %v; want the one that can be read", m, err)
	}
	if told := strings.Join(j.Warnings(), "\n"); !strings.Contains(told, `record "4" of deployments`) {
		t.Errorf("told %q; want to hear of the one that was promised", told)
	}
	if d, err := j.Deployment("4"); err != nil || d.State != deployer.Failed || d.Service != "web" {
		t.Errorf("afterwards %+v, %v; want it failed", d, err)
	}
}
