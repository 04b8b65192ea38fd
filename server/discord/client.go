package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"

	"fisherman/deployer"
)

// client writes to one channel. Only one goroutine may use it at a time.
type client struct {
	session *discordgo.Session
	channel string
	token   deployer.Secret
}

// newClient switches off all of the library that waits or logs by itself: it would not stop with a context, and its
// log holds headers.
func newClient(o Options) (*client, error) {
	token, err := o.Token.Reveal()
	if err != nil {
		return nil, fmt.Errorf("open discord.token: it %w", err)
	}
	if token = strings.TrimPrefix(token, "Bot "); token == "" {
		return nil, errors.New("no token; set discord.token")
	}
	if _, err := strconv.ParseUint(o.ChannelID, 10, 64); err != nil {
		return nil, fmt.Errorf("channel_id %q is not a number; copy it from the channel's menu in Discord", o.ChannelID)
	}
	network, err := newDetour(o.API, o.Transport)
	if err != nil {
		return nil, err
	}
	session, err := discordgo.New("Bot " + token)
	if err != nil {
		return nil, fmt.Errorf("make session: %w", err)
	}
	session.Client = &http.Client{Transport: network, CheckRedirect: stay}
	session.ShouldRetryOnRateLimit = false
	session.MaxRestRetries = 0
	session.LogLevel = discordgo.LogError - 1
	return &client{session: session, channel: o.ChannelID, token: deployer.Plain(token)}, nil
}

// creation is Discord's Create Message with the two fields the library lacks.
type creation struct {
	*discordgo.MessageSend
	Nonce        string `json:"nonce"`
	EnforceNonce bool   `json:"enforce_nonce"`
}

// send returns the id of the message, and whether it says what was sent: when an earlier attempt with the same nonce
// had succeeded after all, it is that one, unchanged.
func (c *client) send(ctx context.Context, m message, nonce string) (id string, current bool, err error) {
	endpoint := discordgo.EndpointChannelMessages(c.channel)
	if err := c.allowed(endpoint); err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := creation{
		MessageSend:  &discordgo.MessageSend{Content: m.headline, Embeds: m.embeds(), AllowedMentions: nobody()},
		Nonce:        nonce,
		EnforceNonce: true,
	}
	answer, err := c.session.RequestWithBucketID(http.MethodPost, endpoint, request, endpoint, discordgo.WithContext(ctx))
	if err != nil {
		return "", false, c.sort(err)
	}
	var made discordgo.Message
	if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
		return "", false, errors.New("the answer of Discord holds no message id")
	}
	return made.ID, made.Content == "" || made.Content == m.headline, nil
}

// edit wraps errGone when there is no such message.
func (c *client) edit(ctx context.Context, id string, m message) error {
	if err := c.allowed(discordgo.EndpointChannelMessage(c.channel, "")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	embeds := m.embeds()
	_, err := c.session.ChannelMessageEditComplex(&discordgo.MessageEdit{
		Channel:         c.channel,
		ID:              id,
		Content:         &m.headline,
		Embeds:          &embeds,
		AllowedMentions: nobody(),
	}, discordgo.WithContext(ctx))
	switch {
	case errors.Is(err, discordgo.ErrJSONUnmarshal):
		return nil // it was taken, and what it looks like now we know
	case gone(err):
		return errGone
	}
	return c.sort(err)
}

// allowed asks the library's rate limiter first, which otherwise sleeps whatever the context says.
func (c *client) allowed(bucket string) error {
	limiter := c.session.Ratelimiter
	if wait := limiter.GetWaitTime(limiter.GetBucket(bucket), 1); wait > 0 {
		return &rateLimit{wait}
	}
	return nil
}

// nobody is who a message may notify, whatever its text says.
func nobody() *discordgo.MessageAllowedMentions {
	return &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}}
}

// stay is for http.Client: the API does not redirect, and the token goes nowhere else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
