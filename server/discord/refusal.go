package discord

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"
)

// errGone says that the message to edit does not exist any more, or is another bot's.
var errGone = errors.New("message is gone")

// rateLimit says when Discord may be asked again.
type rateLimit struct{ after time.Duration }

func (r *rateLimit) Error() string { return fmt.Sprintf("rate limited for %s", r.after) }

// refusal will be repeated for every message until a person does something.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// rejection concerns one message's content.
type rejection struct{ text string }

func (r *rejection) Error() string { return r.text }

// sort makes one of the errors above of what the library returned, or one that says why another try may help. What the
// library returned holds the request with the bot's token: it goes no further.
func (c *client) sort(err error) error {
	var limit *rateLimit
	var answer *discordgo.RESTError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limit):
		return limit
	case !errors.As(err, &answer):
		return errors.New(c.redact(err.Error()))
	}
	status := answer.Response.StatusCode
	text := c.redact(fmt.Sprintf("Discord answered %d: %s", status, answer.ResponseBody))
	switch hint := remedy(status); {
	case hint != "":
		return &refusal{fmt.Sprintf("Discord answered %d: %s", status, hint)}
	case status < http.StatusInternalServerError:
		return &rejection{text}
	}
	return errors.New(text)
}

// remedy is what a person can do about an answer that concerns every message, empty for any other.
func remedy(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "the bot's token is not valid; check discord.token"
	case status == http.StatusForbidden:
		return "the bot may not write to the channel; " +
			"let it View Channel, Send Messages and Embed Links there, or check discord.channel_id"
	case status == http.StatusNotFound:
		return "there is no such channel, or the bot is not in its server; check discord.channel_id"
	case status < http.StatusBadRequest:
		return "it sends us elsewhere; check discord.api"
	}
	return ""
}

// gone reports whether an edit failed because of its message alone. A 404 that does not name the channel counts: if it
// is the channel after all, sending the message anew will tell.
func gone(err error) bool {
	var answer *discordgo.RESTError
	if !errors.As(err, &answer) {
		return false
	}
	code := 0
	if answer.Message != nil {
		code = answer.Message.Code
	}
	if answer.Response.StatusCode == http.StatusNotFound {
		return code != discordgo.ErrCodeUnknownChannel
	}
	return code == discordgo.ErrCodeCannotEditFromAnotherUser
}

// redact keeps the token out of a text, and the text short.
func (c *client) redact(text string) string {
	text = c.token.Hide(text)
	return fmt.Sprintf("%.300s", text)
}
