package discord

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"fisherman/deployer"
)

// Colours of the bar beside a message.
const (
	blue   = 0x3498db // under way
	green  = 0x2ecc71 // done
	red    = 0xe74c3c // failed
	orange = 0xe67e22 // taken back, or done with a warning
	grey   = 0x95a5a6 // nothing changed
)

// Lengths in characters, well within Discord's (Create Message: content 2000; embed limits: description 4096, footer
// 2048, author 256), which escaping may double.
const (
	maxName    = 100
	maxMessage = 200
	maxReason  = 1500
)

// message is what a deployment looks like: a line of plain text, which notifications show, and a card below it.
type message struct {
	headline string
	color    int
	source   string // the repository: plain text
	body     string // markdown
	by       string // plain text
}

// render is the message of a deployment in its present state. bake is how long its service's old release stays warm; 0 where
// that is not known.
func render(d deployer.Deployment, bake time.Duration) message {
	return message{
		headline: headline(d),
		color:    color(d),
		source:   clip(line(cmp.Or(d.Repository, d.Image, d.Service)), maxName),
		body:     body(d, bake),
		by:       by(d),
	}
}

func headline(d deployer.Deployment) string {
	release, took := name(d), span(d.FinishedAt.Sub(begin(d)))
	text := map[deployer.State]string{
		deployer.Queued:     "queued " + release,
		deployer.Pulling:    "pulling " + release + "…",
		deployer.Starting:   "starting " + release + "…",
		deployer.Verifying:  "verifying " + release + "…",
		deployer.Switching:  "switching to " + release + "…",
		deployer.Draining:   release + " is live, draining the old release…",
		deployer.Baking:     release + " is live, baking…",
		deployer.Succeeded:  "deployed " + release + " in " + took,
		deployer.Failed:     release + " failed after " + took,
		deployer.Cancelled:  release + " cancelled after " + took,
		deployer.Superseded: release + " superseded",
		deployer.Unchanged:  release + " unchanged",
		deployer.RolledBack: release + " rolled back after " + took,
	}[d.State]
	if d.State == deployer.Succeeded && d.Cause.Kind == deployer.KindRollback {
		text = "went back to " + release + " in " + took
	}
	return line(d.Service) + ": " + cmp.Or(text, string(d.State)+" "+release)
}

func color(d deployer.Deployment) int {
	switch d.State {
	case deployer.Succeeded:
		if d.Warning != "" {
			return orange
		}
		return green
	case deployer.Failed:
		return red
	case deployer.RolledBack:
		return orange
	case deployer.Cancelled, deployer.Superseded, deployer.Unchanged:
		return grey
	}
	return blue
}

// name is what people call the release: its commit, else its digest, else its tag.
func name(d deployer.Deployment) string {
	switch {
	case d.Commit != "":
		return fmt.Sprintf("%.7s", d.Commit)
	case d.Digest != "":
		return fmt.Sprintf("%.19s", d.Digest)
	}
	return cmp.Or(escape(clip(line(d.Reference), maxName)), "a release")
}

func body(d deployer.Deployment, bake time.Duration) string {
	var parts []string
	if d.Message != "" {
		parts = append(parts, escape(clip(line(d.Message), maxMessage)))
	}
	switch {
	case d.Reason != "":
		parts = append(parts, reason(d.Reason))
	case d.Warning != "":
		parts = append(parts, reason(d.Warning))
	case d.State == deployer.Baking && bake > 0 && len(d.Steps) > 0:
		until := d.Steps[len(d.Steps)-1].At.Add(bake)
		parts = append(parts, fmt.Sprintf("the old release stays warm until <t:%d:T>", until.Unix()))
	case !d.State.Ended():
		parts = append(parts, fmt.Sprintf("since <t:%d:R>", begin(d).Unix())) // every reader's clock counts on
	}
	if d.State.Ended() {
		parts = append(parts, "`fisherman logs --deployment "+d.ID+"`") // its log is on loopback and needs the token: no link leads there
	}
	return strings.Join(parts, "\n")
}

func by(d deployer.Deployment) string {
	author, sender := clip(line(d.Author), maxName), clip(line(d.Cause.Sender), maxName)
	switch d.Cause.Kind {
	case deployer.KindManual, deployer.KindRollback:
		asked := string(d.Cause.Kind)
		if sender != "" {
			asked += " by " + sender
		}
		return strings.TrimPrefix(author+" · "+asked, " · ")
	}
	return cmp.Or(author, sender)
}

func (m message) embeds() []*discordgo.MessageEmbed {
	embed := &discordgo.MessageEmbed{Color: m.color, Description: m.body}
	if m.source != "" {
		embed.Author = &discordgo.MessageEmbedAuthor{Name: m.source}
	}
	if m.by != "" {
		embed.Footer = &discordgo.MessageEmbedFooter{Text: m.by}
	}
	return []*discordgo.MessageEmbed{embed}
}

// begin is when the deployment left the waiting room: before that it was somebody else's work that took time. For one
// that ended there it is when the waiting began.
func begin(d deployer.Deployment) time.Time {
	for _, step := range d.Steps {
		if step.State != deployer.Waiting && !step.State.Ended() {
			return step.At
		}
	}
	return d.CreatedAt
}

// span is a duration as people say it.
func span(d time.Duration) string {
	d = max(d, 0)
	seconds := int(d.Round(time.Second) / time.Second)
	switch {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d h %d min", seconds/3600, seconds/60%60)
}
