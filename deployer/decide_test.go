package deployer

import (
	"reflect"
	"strings"
	"testing"
)

// at is a deployment of a commit, whose digest is made of the same letter, as the tables below need it. Its arrival is
// given by its place in a table, see met.
func at(letter string, state State) Deployment {
	d := Deployment{ID: "of-" + letter, State: state, Commit: commitOf(letter), Digest: digestOf(letter)}
	if state == Waiting {
		d.Digest = ""
	}
	return d
}

func digestOf(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func (d Deployment) by(k Kind) Deployment { d.Cause.Kind = k; return d }

func (d Deployment) stopped(times int) Deployment { d.Stops = times; return d }

// met is what a candidate of commit c meets when pushes went a, b, c, d, e. Arrivals follow the alphabet.
func met(live *Deployment, active ...Deployment) standing {
	for i := range active {
		active[i].Arrival = arrivalOf(active[i])
	}
	if live != nil {
		live.Arrival = arrivalOf(*live)
	}
	return standing{live: live, spec: true, active: active, order: learned("a>b", "b>c", "c>d", "d>e")}
}

func arrivalOf(d Deployment) int64 { return int64(d.ID[len(d.ID)-1]) }

func live(letter string) *Deployment { d := at(letter, Succeeded); return &d }

// TestTheCandidateMeets reads like the table of that name; the candidate is of commit c unless it says otherwise.
//
// Mutants: decide without its newer step; patience 3; waitingFor without the commit; makeRoom that supersedes what is
// switching; makeRoom that lets a waiting one supersede.
func TestTheCandidateMeets(t *testing.T) {
	c := at("c", Queued).by(KindPackage)
	for name, tc := range map[string]struct {
		meets     standing
		candidate Deployment
		want      verdict
	}{
		"nothing":                      {met(nil), c, verdict{}},
		"an older one live":            {met(live("b")), c, verdict{}},
		"its own digest live":          {met(live("c")), c, verdict{end: Unchanged, reason: "sha256:cccccccccccc is live already, as deployment of-c"}},
		"its own digest on the way":    {met(nil, at("c", Verifying)), c, verdict{join: "of-c"}},
		"its own digest draining":      {met(live("c"), at("c", Draining)), c, verdict{join: "of-c"}},
		"something newer live":         {met(live("d")), c, verdict{end: Superseded, reason: "commit ccccccc is older than commit ddddddd, which is live"}},
		"something newer on the way":   {met(live("a"), at("d", Pulling)), c, verdict{end: Superseded, reason: "commit ccccccc is older than commit ddddddd, which is on its way"}},
		"something newer queued":       {met(nil, at("d", Queued)), c, verdict{end: Superseded, reason: "commit ccccccc is older than commit ddddddd, which is on its way"}},
		"something newer waiting":      {met(live("a"), at("d", Waiting)), c, verdict{}},
		"its own commit waiting":       {met(live("a"), at("c", Waiting)), c, verdict{takeOver: "of-c"}},
		"its own commit among waiting": {met(nil, at("c", Waiting), at("d", Waiting)), c, verdict{takeOver: "of-c"}},
		"an older one waiting":         {met(nil, at("b", Waiting)), c, verdict{supersede: []string{"of-b"}}},
		"an older one queued":          {met(nil, at("b", Queued)), c, verdict{supersede: []string{"of-b"}}},
		"an older one pulling":         {met(nil, at("b", Pulling)), c, verdict{stop: []string{"of-b"}, stops: 1}},
		"an older one starting":        {met(nil, at("b", Starting)), c, verdict{stop: []string{"of-b"}, stops: 1}},
		"an older one verifying":       {met(nil, at("b", Verifying)), c, verdict{stop: []string{"of-b"}, stops: 1}},
		"an older one switching":       {met(nil, at("b", Switching)), c, verdict{}},
		"an older one draining":        {met(live("b"), at("b", Draining)), c, verdict{}},
		"an older one baking":          {met(live("b"), at("b", Baking)), c, verdict{}},

		"a running one for which one was stopped":    {met(nil, at("b", Pulling).stopped(1)), c, verdict{stop: []string{"of-b"}, stops: 2}},
		"a running one for which two were stopped":   {met(nil, at("b", Pulling).stopped(2)), c, verdict{}},
		"a queued one for which two were stopped":    {met(nil, at("b", Queued).stopped(2)), c, verdict{supersede: []string{"of-b"}, stops: 2}},
		"all sorts of older ones":                    {met(nil, at("a", Draining), at("b", Queued)), c, verdict{supersede: []string{"of-b"}}},
		"its digest live and an older one running":   {met(live("c"), at("b", Verifying)), c, verdict{stop: []string{"of-b"}, stops: 1, end: Unchanged, reason: "sha256:cccccccccccc is live already, as deployment of-c"}},
		"its digest live and a newer one running":    {met(live("c"), at("d", Verifying)), c, verdict{end: Unchanged, reason: "sha256:cccccccccccc is live already, as deployment of-c"}},
		"a person deploys what is older":             {met(live("d")), at("c", Queued).by(KindManual), verdict{}},
		"a person deploys while a newer one runs":    {met(live("a"), at("d", Verifying)), at("c", Queued).by(KindRollback), verdict{stop: []string{"of-d"}, stops: 1}},
		"a person's word does not take over a wait":  {met(live("a"), at("c", Waiting)), at("c", Queued).by(KindManual), verdict{supersede: []string{"of-c"}}},
		"a person deploys what is live":              {met(live("c")), at("c", Queued).by(KindManual), verdict{end: Unchanged, reason: "sha256:cccccccccccc is live already, as deployment of-c"}},
		"the same digest with another configuration": {respecced(met(live("c"))), c, verdict{}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.candidate.ID, tc.candidate.Arrival = "new", int64('c')
			if tc.candidate.Cause.deliberate() {
				tc.candidate.Arrival = int64('z')
			}
			if got := decide(tc.candidate, tc.meets); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func respecced(s standing) standing { s.spec = false; return s }

// TestThePushAfterARollbackMovesOn: the order of pushes, not the moment of the rollback, decides.
func TestThePushAfterARollbackMovesOn(t *testing.T) {
	rolledBack := live("b")
	s := met(rolledBack)
	rolledBack.Arrival, rolledBack.Cause.Kind = 'y', KindRollback
	next := at("e", Queued).by(KindPackage)
	next.ID, next.Arrival = "new", 'z'
	if got := decide(next, s); !reflect.DeepEqual(got, verdict{}) {
		t.Errorf("the next push meets %+v, want it accepted", got)
	}
}

// Mutant: after without its last line.
func TestWhereTheOrderIsUnknownTheLaterArrivalWins(t *testing.T) {
	for name, c := range map[string]struct {
		candidate, live int64
		want            State
	}{
		"arrived later":   {candidate: 2, live: 1, want: ""},
		"arrived earlier": {candidate: 1, live: 2, want: Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			old, candidate := at("x", Succeeded), at("y", Queued)
			old.Arrival, candidate.Arrival = c.live, c.candidate
			if got := decide(candidate, standing{live: &old, spec: true}).end; got != c.want {
				t.Errorf("ends %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnEventWithoutACommitTakesOverTheNewestWaitingOne(t *testing.T) {
	c := Deployment{ID: "new", State: Queued, Digest: digestOf("f"), Cause: Cause{Kind: KindPackage}, Arrival: 'z'}
	got := decide(c, met(nil, at("b", Waiting), at("d", Waiting)))
	if want := (verdict{takeOver: "of-d", supersede: []string{"of-b"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
