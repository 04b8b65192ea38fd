package docker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// Lock claims the network on this engine for the process: a second server there would fight over the same containers.
// The claim is an abstract Unix socket (unix(7)), which the kernel frees however the process ends.
func (e *Engine) Lock(ctx context.Context) (io.Closer, error) {
	info, err := e.info(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(info.ID + "\x00" + e.network))
	claim, err := (&net.ListenConfig{}).Listen(ctx, "unix", fmt.Sprintf("@fisherman-%x", sum[:16]))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another fisherman serves the network %q on this Docker Engine: stop it first, or give this one a network of its own (docker.network)", e.network)
	}
	if err != nil {
		return nil, fmt.Errorf("claim the network %q: %w", e.network, err)
	}
	return claim, nil
}
