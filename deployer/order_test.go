package deployer

import (
	"strings"
	"testing"
)

// commitOf is a commit named by a letter, as 40 digits; 0 is GitHub's no commit.
func commitOf(letter string) string { return strings.Repeat(letter, 40) }

// learned builds an order from words: "a>b" is a push, "a>b!" a forced one, "b" a commit that a package named and "b<c"
// one that an image named while c was waiting.
func learned(words ...string) Order {
	var o Order
	for _, word := range words {
		word, forced := strings.CutSuffix(word, "!")
		if before, after, ok := strings.Cut(word, ">"); ok {
			o, _ = o.Push(Link{Before: commitOf(before), After: commitOf(after), Forced: forced})
		} else if earlier, later, ok := strings.Cut(word, "<"); ok {
			o = o.SeeBefore(commitOf(earlier), commitOf(later))
		} else {
			o = o.See(commitOf(word))
		}
	}
	return o
}

// Mutants: place always last; position counts from the front; See adds what is known; has without its second half.
func TestOlderAndNewerAreTheOrderOfPushes(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrived string // in this order
		sorted  string // oldest first, as far as it is known
	}{
		{"nothing is known of the first push's past", "a>b", "a b"},
		{"pushes in order", "a>b b>c c>d", "a b c d"},
		{"a new branch", "0>a a>b", "a b"},
		{"the later delivery arrives first", "b>c a>b", "a b c"},
		{"three backwards", "c>d b>c a>b", "a b c d"},
		{"one of the middle arrives last", "a>b c>d b>c", "a b c d"},
		{"a delivery is lost: arrival decides", "a>b c>d", "b d"},
		{"a force-push to an old commit makes it the newest", "a>b b>c c>b!", "c b"},
		{"a force-push to the very first one", "a>b b>c c>a!", "b c a"},
		{"a force-push to a rewritten history", "a>b b>c c>d!", "b c d"},
		{"a force-push that arrives before the push it undoes", "a>b c>a! b>c", "b c a"},
		{"back and forth", "a>b b>a! a>b!", "a b"},
		{"a push sent twice changes nothing", "a>b b>c a>b", "a b c"},
		{"a package before its push", "a>b c b>c", "a b c"},
		{"a package before its push, and the next push", "a>b c c>d b>c", "a b c d"},
		{"a package of a known commit does not make it newer", "a>b b>c b", "a b c"},
		{"a package of an unknown commit is the newest", "a>b b>c x", "b c x"},
		{"two packages of unknown commits: arrival decides", "x y", "x y"},
		{"an old image found while a push waits", "a>b b>c x<c", "b x c"},
		{"an image of a known commit found while a push waits", "a>b b>c a<c", "a b c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := learned(strings.Fields(c.arrived)...)
			sorted := strings.Fields(c.sorted)
			for i := range sorted[1:] {
				older, newer := commitOf(sorted[i]), commitOf(sorted[i+1])
				if sign, known := o.Compare(older, newer); sign >= 0 || !known {
					t.Errorf("%s against %s: %d, known %v; want it older. Order: %+v", sorted[i], sorted[i+1], sign, known, o)
				}
				if sign, known := o.Compare(newer, older); sign <= 0 || !known {
					t.Errorf("%s against %s: %d, known %v; want it newer. Order: %+v", sorted[i+1], sorted[i], sign, known, o)
				}
			}
		})
	}
}

func TestAnOrderKnowsWhatItDoesNotKnow(t *testing.T) {
	o := learned("a>b", "b>c")
	for _, c := range []struct{ a, b string }{{"a", "x"}, {"x", "a"}, {"x", "y"}, {"", "a"}} {
		if sign, known := o.Compare(commitOf(c.a), commitOf(c.b)); known {
			t.Errorf("%q against %q: %d, want it unknown", c.a, c.b, sign)
		}
	}
	if sign, known := o.Compare(commitOf("b"), commitOf("b")); sign != 0 || !known {
		t.Errorf("a commit against itself: %d, known %v", sign, known)
	}
}

func TestAPushOfACommitThatAPackageNamedIsLate(t *testing.T) {
	a, b := commitOf("a"), commitOf("b")
	if _, late := learned("b").Push(Link{Before: a, After: b}); !late {
		t.Error("the package came first, so the push is late")
	}
	if _, late := learned("a>b").Push(Link{Before: a, After: b}); late {
		t.Error("the same push twice is not late")
	}
	if _, late := learned("x").Push(Link{Before: a, After: b}); late {
		t.Error("the package of another commit says nothing of this push")
	}
}

// Mutant: no bound.
func TestAnOrderIsAValueAndBounded(t *testing.T) {
	start := learned("a>b", "c>d")
	before := len(start)
	_, _ = start.Push(Link{Before: commitOf("b"), After: commitOf("c")})
	_ = start.See(commitOf("e"))
	if sign, _ := start.Compare(commitOf("b"), commitOf("d")); len(start) != before || sign >= 0 {
		t.Errorf("reading it changed it: %+v", start)
	}
	var long Order
	for range 2 * maxOrder {
		long, _ = long.Push(Link{Before: commitOf("a"), After: commitOf("b")})
		long, _ = long.Push(Link{Before: commitOf("b"), After: commitOf("a"), Forced: true})
	}
	if len(long) != maxOrder {
		t.Errorf("%d links are remembered, want %d", len(long), maxOrder)
	}
}

// A force-push back to where the late push began. Mutants: place without lastGap; Push that forgets first pushes.
func TestAPushThatArrivesLateFillsTheGapItFits(t *testing.T) {
	o := learned("0>a", "b>a!", "a>b")
	if sign, known := o.Compare(commitOf("a"), commitOf("b")); !known || sign <= 0 {
		t.Errorf("in %+v the commit that was pushed back to is not the newest", o)
	}
}
