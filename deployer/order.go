package deployer

import "slices"

// Link is one push: the branch went from Before to After. A commit that a package event named before its push
// arrived has an empty Before.
type Link struct {
	Before, After string
	Forced        bool
	Seen          bool `json:",omitempty"` // not a push: only a package event has named After
}

// Order is what is known of the order of a branch's pushes, oldest first. It is a value: its methods return what
// would be, and change nothing.
//
// Pushes chain (`before` → `after`), so deliveries that arrive out of order are put where they belong; a force-push to
// an old commit is a later push like any other and makes that commit the newest.
type Order []Link

// maxOrder bounds an order; whatever is older is unknown, and then the later arrival wins.
const maxOrder = 200

// zeroCommit is what GitHub writes where there is no commit: `before` of a new branch, `after` of a deleted one.
const zeroCommit = "0000000000000000000000000000000000000000"

// Push adds a push. late reports that a package event has, or of a new branch may have, named its commit already.
func (o Order) Push(l Link) (next Order, late bool) {
	if l.Before == zeroCommit {
		l.Before = ""
	}
	if o.has(l) {
		return o, l.Before == ""
	}
	rest := slices.DeleteFunc(slices.Clone(o), func(k Link) bool { return k.After == l.After && k.Seen })
	return rest.place(l), len(rest) < len(o)
}

// See adds a commit that a package event named, unless it is known already.
func (o Order) See(commit string) Order {
	if _, known := o.position(commit); known || commit == "" {
		return o
	}
	return slices.Clone(o).place(Link{After: commit, Seen: true})
}

// SeeBefore adds an unknown commit directly before another one: an image that was there before the push was built.
func (o Order) SeeBefore(commit, later string) Order {
	_, known := o.position(commit)
	at := o.last(func(l Link) bool { return l.After == later })
	if known || commit == "" || at < 0 {
		return o
	}
	return slices.Insert(slices.Clone(o), at, Link{After: commit, Seen: true})
}

// Compare orders two commits: negative when a was pushed before b, zero when they are the same. known is false when
// nothing is known of one of them.
func (o Order) Compare(a, b string) (sign int, known bool) {
	at, knownA := o.position(a)
	bt, knownB := o.position(b)
	return at - bt, knownA && knownB
}

// place puts a link between the two pushes it connects, else behind the push it continues, else before the push that
// continues it, else last.
func (o Order) place(l Link) Order {
	at := len(o)
	if i := o.lastGap(l); i > 0 {
		at = i
	} else if i := o.last(func(k Link) bool { return k.After == l.Before }); l.Before != "" && i >= 0 && o.gap(i+1) {
		at = i + 1
	} else if i := o.last(func(k Link) bool { return k.Before == l.After }); !l.Forced && i >= 0 && o.gap(i) {
		at = i
	}
	placed := slices.Insert(o, at, l)
	return placed[max(0, len(placed)-maxOrder):]
}

// lastGap is where a push is missing that begins and ends as this one does; 0 when there is no such place.
func (o Order) lastGap(l Link) int {
	for i := len(o) - 1; i > 0 && l.Before != ""; i-- {
		if o[i-1].After == l.Before && o[i].Before == l.After {
			return i
		}
	}
	return 0
}

// gap reports whether a push may be missing before index i.
func (o Order) gap(i int) bool {
	return i == 0 || i == len(o) || o[i-1].After != o[i].Before
}

// has reports whether this very push is known: the branch has not come back to its Before since.
func (o Order) has(l Link) bool {
	i := o.last(func(k Link) bool { return k.Before == l.Before && k.After == l.After })
	return i >= 0 && !slices.ContainsFunc(o[i+1:], func(k Link) bool { return k.After == l.Before })
}

// position is where a commit became the branch's head for the last time: odd for a push seen, even for the commit
// that a push seen came from.
func (o Order) position(commit string) (at int, known bool) {
	if commit == "" {
		return 0, false
	}
	if i := o.last(func(l Link) bool { return l.After == commit }); i >= 0 {
		return 2*i + 1, true
	}
	if i := o.last(func(l Link) bool { return l.Before == commit }); i >= 0 {
		return 2 * i, true
	}
	return 0, false
}

func (o Order) last(match func(Link) bool) int {
	for i := len(o) - 1; i >= 0; i-- {
		if match(o[i]) {
			return i
		}
	}
	return -1
}
