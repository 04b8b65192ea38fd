package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"fisherman/deployer"
)

// putFiles writes a service's files into a container that has not run yet. They become part of it: they are there each time
// that it starts, go with it, and are nowhere else on this machine.
func (e *Engine) putFiles(ctx context.Context, id, name string, files []deployer.File) error {
	if len(files) == 0 {
		return nil
	}
	packed, err := pack(files)
	if err != nil {
		return fmt.Errorf("put files into container %s: %w", name, err)
	}
	err = e.ask(ctx, "put files into container "+name, func(ctx context.Context) error {
		return e.api.CopyToContainer(ctx, id, "/", bytes.NewReader(packed), container.CopyToContainerOptions{})
	})
	if err != nil && strings.Contains(err.Error(), "cannot overwrite directory") {
		return fmt.Errorf("%w; one of `files` has the path of a directory of the image: write the path of a file in it", err)
	}
	return err
}

// pack makes the archive that the engine unpacks from the container's root. It holds no directories: those that the image has
// keep their modes, and the engine makes those that are missing.
func pack(files []deployer.File) ([]byte, error) {
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, f := range files {
		content, err := f.Content.Reveal()
		if err != nil {
			return nil, fmt.Errorf("open the content of %s: %w", f.Target, err)
		}
		head := &tar.Header{
			Typeflag: tar.TypeReg, Name: strings.TrimPrefix(f.Target, "/"), Size: int64(len(content)),
			Mode: int64(f.Mode), Uid: f.UID, Gid: f.GID, ModTime: time.Now(),
		}
		if err = archive.WriteHeader(head); err == nil {
			_, err = archive.Write([]byte(content))
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.Target, err)
		}
	}
	err := archive.Close() // before the bytes are taken: it writes the end
	return packed.Bytes(), err
}
