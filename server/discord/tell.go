package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// attempt tells Discord one thing once, and returns how long to leave it in peace.
func (n *Notifier) attempt(ctx context.Context, it item) time.Duration {
	message, err := n.tell(ctx, it)
	var bad *rejection
	if errors.As(err, &bad) {
		n.log.Warn().EmbedObject(it.news).Err(err).Msg("Discord does not take this message, it is left out")
		err = nil
	}
	if err == nil && it.final {
		n.close(it)
	}
	n.queue.told(it, message, err == nil)
	if ctx.Err() != nil {
		return 0
	}
	return n.mood.after(err)
}

// tell edits the message, or sends it when there is none (any more). It returns the message's id also beside an error,
// when it knows one.
func (n *Notifier) tell(ctx context.Context, it item) (string, error) {
	old := n.messageOf(it)
	if old != "" {
		err := n.client.edit(ctx, old, it.text)
		if !errors.Is(err, errGone) {
			return old, err
		}
	}
	n.begin(it)
	id, current, err := n.client.send(ctx, it.text, nonce(it.id, old))
	if err != nil {
		return "", err
	}
	if err := n.store.SetMessage(it.id, id); err != nil {
		n.log.Warn().EmbedObject(it.news).Err(err).Msg("cannot keep a message's id: after a restart it would be sent anew")
	}
	if current {
		return id, nil
	}
	return id, n.client.edit(ctx, id, it.text)
}

// begin notes that an outage lasts. It does so before it is told, so that a crash in between does not tell it twice.
func (n *Notifier) begin(it item) {
	if it.open == "" || it.final {
		return
	}
	if err := n.store.SetMessage(it.open, it.id); err != nil {
		n.log.Warn().EmbedObject(it.news).Err(err).Msg("cannot note that an outage lasts: after a restart it would be told anew")
	}
}

// close notes that an outage is over, unless another one of its service has begun.
func (n *Notifier) close(it item) {
	if it.open == "" {
		return
	}
	open, err := n.store.Message(it.open)
	if err == nil && open == it.id {
		err = n.store.SetMessage(it.open, "")
	}
	if err != nil {
		n.log.Warn().EmbedObject(it.news).Err(err).Msg("cannot note that an outage is over: after a restart the next may be told as a part of it")
	}
}

func (n *Notifier) messageOf(it item) string {
	if it.message != "" {
		return it.message
	}
	id, err := n.store.Message(it.id)
	if err != nil {
		n.log.Warn().EmbedObject(it.news).Err(err).Msg("cannot read a message's id, sending it anew")
	}
	return id
}

// nonce makes sending the same message twice safe: within a few minutes Discord answers with the first one (Create
// Message, enforce_nonce). One that replaces a deleted message is another message. At most 25 characters are allowed.
func nonce(about, replaces string) string {
	sum := sha256.Sum256([]byte(about + " " + replaces))
	return hex.EncodeToString(sum[:12])
}
