package main

import (
	"errors"
	"slices"
	"testing"

	"fisherman/server/discord"
)

// TestTroublesAreToldOnce: when they begin, when they are others, and when they are over.
func TestTroublesAreToldOnce(t *testing.T) {
	away := errors.New("cannot be reached")
	for name, c := range map[string]struct {
		happens func(*troubles)
		want    []string
	}{
		"nothing":        {func(*troubles) {}, []string{""}},
		"refused":        {func(r *troubles) { r.refused(away); r.refused(away); r.applied(nil); r.applied(nil) }, []string{"", "It cannot be used; the running one stays.\ncannot be reached", ""}},
		"half":           {func(r *troubles) { r.applied([]string{"a", "b"}); r.applied(nil) }, []string{"", "a\nb", ""}},
		"unread":         {func(r *troubles) { r.reading("s3", away); r.reading("s3", away); r.reading("s3", nil) }, []string{"", "s3 cannot be read: cannot be reached", ""}},
		"read by itself": {func(r *troubles) { r.reading("s3", away); r.applied(nil); r.reading("s3", nil) }, []string{"", "s3 cannot be read: cannot be reached", ""}},
		"still unread":   {func(r *troubles) { r.reading("s3", away); r.applied(nil, "s3") }, []string{"", "s3 cannot be read: cannot be reached"}},
		"somebody new":   {func(r *troubles) { r.again(); r.reading("s3", away); r.again() }, []string{"", "s3 cannot be read: cannot be reached", "s3 cannot be read: cannot be reached"}},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			r := &troubles{unread: map[string]string{}, warn: func(w discord.Warning) { told = append(told, w.Reason) }}
			r.begin("")
			c.happens(r)
			if !slices.Equal(told, c.want) {
				t.Errorf("told %q, want %q", told, c.want)
			}
		})
	}
}

// TestAStartFromTheCopyIsToldUntilAConfigurationWorks, or another one is refused.
func TestAStartFromTheCopyIsToldUntilAConfigurationWorks(t *testing.T) {
	for name, after := range map[string]func(*troubles){
		"works": func(r *troubles) { r.applied(nil) }, "is refused": func(r *troubles) { r.refused(errors.New("bad")) },
	} {
		r := &troubles{unread: map[string]string{}, warn: func(discord.Warning) {}}
		r.begin("the copy")
		if got := r.list(); !slices.Equal(got, []string{"the copy"}) {
			t.Errorf("before it %s: %q", name, got)
		}
		after(r)
		if got := r.list(); slices.Contains(got, "the copy") {
			t.Errorf("after it %s: %q", name, got)
		}
	}
}
