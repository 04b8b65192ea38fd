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
		n.log.Warn().Str("deployment", it.ID).Err(err).Msg("Discord does not take this message, it is left out")
		err = nil
	}
	n.queue.told(it, message, err == nil)
	if ctx.Err() != nil {
		return 0
	}
	return n.mood.after(err)
}

// tell edits the deployment's message, or sends it when there is none (any more). It returns the message's id also
// beside an error, when it knows one.
func (n *Notifier) tell(ctx context.Context, it item) (string, error) {
	text := render(it.Deployment)
	old := n.messageOf(it)
	if old != "" {
		err := n.client.edit(ctx, old, text)
		if !errors.Is(err, errGone) {
			return old, err
		}
	}
	id, current, err := n.client.send(ctx, text, nonce(it.ID, old))
	if err != nil {
		return "", err
	}
	if err := n.store.SetMessage(it.ID, id); err != nil {
		n.log.Warn().Str("deployment", it.ID).Err(err).Msg("cannot keep a message's id: after a restart it would be sent anew")
	}
	if current {
		return id, nil
	}
	return id, n.client.edit(ctx, id, text)
}

func (n *Notifier) messageOf(it item) string {
	if it.message != "" {
		return it.message
	}
	id, err := n.store.Message(it.ID)
	if err != nil {
		n.log.Warn().Str("deployment", it.ID).Err(err).Msg("cannot read a message's id, sending it anew")
	}
	return id
}

// nonce makes sending the same message twice safe: within a few minutes Discord answers with the first one (Create
// Message, enforce_nonce). One that replaces a deleted message is another message. At most 25 characters are allowed.
func nonce(deployment, replaces string) string {
	sum := sha256.Sum256([]byte(deployment + " " + replaces))
	return hex.EncodeToString(sum[:12])
}
