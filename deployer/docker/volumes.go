package docker

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"fisherman/deployer"
)

// mounts are a service's volumes in the engine's terms. A path of the machine is mounted as a bind, which must be there
// (the older Binds would make a directory that belongs to root); a named volume is made when missing, and labelled so that
// people see whose it is. Neither is ever removed by us.
func (e *Engine) mounts(s deployer.Service) []mount.Mount {
	var all []mount.Mount
	for _, v := range s.Volumes {
		m := mount.Mount{Type: mount.TypeBind, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		if !filepath.IsAbs(v.Source) {
			m.Type = mount.TypeVolume
			m.VolumeOptions = &mount.VolumeOptions{Labels: map[string]string{labelNetwork: e.network, labelService: s.Name}}
		}
		all = append(all, m)
	}
	return all
}

// withoutSource adds the remedy to the engine's refusal of a bind whose path is not there.
func withoutSource(err error) error {
	if err == nil || !strings.Contains(err.Error(), "bind source path does not exist") {
		return err
	}
	return fmt.Errorf("%w; make that directory first, owned by the user the app runs as, or name a volume instead of a path", err)
}
