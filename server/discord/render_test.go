package discord

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fisherman/deployer"
)

func TestHeadline(t *testing.T) {
	w, p := deployer.Waiting, deployer.Pulling
	cases := []struct {
		states []deployer.State
		want   string
		color  int
	}{
		{[]deployer.State{w, deployer.Queued}, "web: queued a1b2c3d", blue},
		{[]deployer.State{w, p}, "web: pulling a1b2c3d…", blue},
		{[]deployer.State{w, p, deployer.Starting}, "web: starting a1b2c3d…", blue},
		{[]deployer.State{w, p, deployer.Verifying}, "web: verifying a1b2c3d…", blue},
		{[]deployer.State{w, p, deployer.Switching}, "web: switching to a1b2c3d…", blue},
		{[]deployer.State{w, p, deployer.Draining}, "web: a1b2c3d is live, draining the old release…", blue},
		{[]deployer.State{w, p, deployer.Baking}, "web: a1b2c3d is live, baking…", blue},
		{[]deployer.State{w, p, deployer.Starting, deployer.Succeeded}, "web: deployed a1b2c3d in 2.0 s", green},
		{[]deployer.State{w, p, deployer.Failed}, "web: a1b2c3d failed after 1.0 s", red},
		{[]deployer.State{w, p, deployer.RolledBack}, "web: a1b2c3d rolled back after 1.0 s", orange},
		{[]deployer.State{w, p, deployer.Cancelled}, "web: a1b2c3d cancelled after 1.0 s", grey},
		{[]deployer.State{w, deployer.Cancelled}, "web: a1b2c3d cancelled after 1.0 s", grey},
		{[]deployer.State{w, deployer.Superseded}, "web: a1b2c3d superseded", grey},
		{[]deployer.State{w, deployer.Unchanged}, "web: a1b2c3d unchanged", grey},
		{[]deployer.State{"paused"}, "web: paused a1b2c3d", blue},
	}
	for _, c := range cases {
		if got := render(stage("1", c.states...), 0); got.headline != c.want || got.color != c.color {
			t.Errorf("%v: got %q, %x; want %q, %x", c.states, got.headline, got.color, c.want, c.color)
		}
	}
}

func TestCard(t *testing.T) {
	cases := map[string]struct {
		change                     func(*deployer.Deployment)
		headline, source, body, by string
	}{
		"as it is": {
			func(*deployer.Deployment) {},
			"web: a1b2c3d failed after 1.0 s", "ada/web", "Draw faster", "Ada",
		},
		"failed": {
			func(d *deployer.Deployment) { d.Reason = "no answer on /health_check" },
			"web: a1b2c3d failed after 1.0 s", "ada/web", "Draw faster\nno answer on /health\\_check", "Ada",
		},
		"failed, with its last words": {
			func(d *deployer.Deployment) { d.Reason = "exit code 1:\n\x1b[31mpanic\x1b[0m: ```no```\r\n" },
			"web: a1b2c3d failed after 1.0 s", "ada/web",
			"Draw faster\n```\nexit code 1:\npanic: `\u200b`\u200b`\u200bno`\u200b`\u200b`\u200b\n```", "Ada",
		},
		"taken back": {
			func(d *deployer.Deployment) {
				d.State = deployer.RolledBack
				d.Reason = "switched back to b7c8d9e (deployment 01J): 12 of 40 requests failed (30.0 %); before the switch it was 0.2 % of 1200"
			},
			"web: a1b2c3d rolled back after 1.0 s", "ada/web",
			"Draw faster\nswitched back to b7c8d9e (deployment 01J): 12 of 40 requests failed (30.0 %); before the switch it was 0.2 % of 1200", "Ada",
		},
		"done, with a warning": {
			func(d *deployer.Deployment) {
				d.State, d.Warning = deployer.Succeeded, "it is live, but `after` of web exited with code 3"
			},
			"web: deployed a1b2c3d in 1.0 s", "ada/web", "Draw faster\nit is live, but \\`after\\` of web exited with code 3", "Ada",
		},
		"no commit": {
			func(d *deployer.Deployment) {
				*d = deployer.Deployment{
					Service: "web", State: deployer.Queued, Image: "ghcr.io/ada/web",
					Digest: "sha256:0123456789abcdef", Cause: deployer.Cause{Kind: deployer.KindPackage, Sender: "ada"},
					CreatedAt: time.Unix(1_700_000_000, 0),
				}
			},
			"web: queued sha256:0123456789ab", "ghcr.io/ada/web", "since <t:1700000000:R>", "ada",
		},
		"by hand": {
			func(d *deployer.Deployment) {
				d.Commit, d.Reference = "", "v1_2"
				d.Author, d.Cause = "", deployer.Cause{Kind: deployer.KindManual}
			},
			`web: v1\_2 failed after 1.0 s`, "ada/web", "Draw faster", "manual",
		},
		"going back": {
			func(d *deployer.Deployment) {
				d.State, d.Cause = deployer.Succeeded, deployer.Cause{Kind: deployer.KindRollback, Sender: "eve"}
			},
			"web: went back to a1b2c3d in 1.0 s", "ada/web", "Draw faster", "Ada · rollback by eve",
		},
		"nothing at all": {
			func(d *deployer.Deployment) {
				*d = deployer.Deployment{Service: "web", State: deployer.Superseded}
			},
			"web: a release superseded", "web", "", "",
		},
	}
	for about, c := range cases {
		t.Run(about, func(t *testing.T) {
			d := stage("1", deployer.Pulling, deployer.Failed)
			c.change(&d)
			body := c.body
			if d.State.Ended() {
				body = strings.TrimPrefix(body+"\n`fisherman logs --deployment "+d.ID+"`", "\n")
			}
			want := message{headline: c.headline, color: color(d), source: c.source, body: body, by: c.by}
			if got := render(d, 0); got != want {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestABakeSaysUntilWhen(t *testing.T) {
	d := stage("1", deployer.Pulling, deployer.Draining, deployer.Baking) // since 1700000002
	for bake, want := range map[time.Duration]string{
		time.Minute: "Draw faster\nthe old release stays warm until <t:1700000062:T>",
		0:           "Draw faster\nsince <t:1700000000:R>",
	} {
		if got := render(d, bake).body; got != want {
			t.Errorf("%s: got %q, want %q", bake, got, want)
		}
	}
	n, _ := notifier(t, Options{Bake: func(string) time.Duration { return time.Minute }})
	if got := n.newsOf(d).text; got != render(d, time.Minute) {
		t.Errorf("got %+v", got)
	}
}

func TestWhatOthersWroteIsHarmless(t *testing.T) {
	cases := map[string]string{
		"Draw faster (#12)":            "Draw faster (#12)",
		"first\nsecond":                "first",
		"@everyone look, @here":        "@\u200beveryone look, @\u200bhere",
		"<@123> <@&4> <#5> <t:1:R>":    `\<@123> \<@&4> \<#5> \<t:1:R>`,
		"**bold** _it_ ~~no~~ ||spy||": `\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spy\|\|`,
		"[bank](https://evil.example)": `\[bank](https://evil.example)`,
		"`code` ```block":              "\\`code\\` \\`\\`\\`block",
		`back\*slash`:                  `back\\\*slash`,
		"# loud":                       `\# loud`,
		"> said":                       `\> said`,
		"-# small":                     `\-# small`,
		"red \x1b[31mherring\x1b[0m":   "red herring",
		"turned \u202earound\x00":      "turned around",
		strings.Repeat("ü", 300):       strings.Repeat("ü", maxMessage-1) + "…",
	}
	for written, want := range cases {
		d := stage("1", deployer.Succeeded)
		d.Message = written
		if got := render(d, 0).body; got != want+"\n`fisherman logs --deployment 1`" {
			t.Errorf("%q: got %q, want %q", written, got, want)
		}
	}
}

func TestNothingIsLongerThanDiscordAllows(t *testing.T) {
	for _, long := range []string{strings.Repeat("*", 100_000), strings.Repeat("`\n", 50_000), strings.Repeat("🐟", 10_000)} {
		d := stage("1", deployer.Pulling, deployer.Failed)
		d.Reason, d.Message, d.Author, d.Repository = long, long, long, long
		d.Commit, d.Reference = "", long
		m := render(d, 0)
		for _, part := range []struct {
			text string
			most int
		}{{m.headline, 2000}, {m.source, 256}, {m.body, 4096}, {m.by, 2048}} {
			if n := utf8.RuneCountInString(part.text); n > part.most {
				t.Errorf("%d characters of %d: %.40s", n, part.most, part.text)
			}
		}
	}
}

func TestALongReasonKeepsItsBeginningAndItsEnd(t *testing.T) {
	d := stage("1", deployer.Failed)
	d.Reason = "exit code 137:\n" + strings.Repeat("working\n", 1000) + "out of memory"
	body := render(d, 0).body
	if !strings.Contains(body, "exit code 137") || !strings.Contains(body, "out of memory\n```\n") {
		t.Errorf("got %s", body)
	}
}

func TestSpan(t *testing.T) {
	cases := map[time.Duration]string{
		-time.Second:             "0.0 s",
		4230 * time.Millisecond:  "4.2 s",
		9960 * time.Millisecond:  "10 s",
		12400 * time.Millisecond: "12 s",
		59600 * time.Millisecond: "1 min 0 s",
		200 * time.Second:        "3 min 20 s",
		65 * time.Minute:         "1 h 5 min",
	}
	for d, want := range cases {
		if got := span(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
