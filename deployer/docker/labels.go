package docker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"fisherman/deployer"
)

// The labels of a container. A network that fisherman made carries labelNetwork too.
const (
	labelService    = "fisherman.service"
	labelDeployment = "fisherman.deployment"
	labelDigest     = "fisherman.digest"
	labelNetwork    = "fisherman.network"
	labelSpec       = "fisherman.spec"
	labelReplica    = "fisherman.replica"
	labelOnce       = "fisherman.once" // of a container that RunOnce made; it is no replica
)

// labels are the service's own, and ours, which nothing can replace.
func (e *Engine) labels(r deployer.Release, n int) map[string]string {
	all := maps.Clone(r.Service.Labels)
	if all == nil {
		all = map[string]string{}
	}
	all[labelService] = r.Service.Name
	all[labelDeployment] = r.ID
	all[labelDigest] = r.Digest
	all[labelNetwork] = e.network
	all[labelSpec] = r.Service.Spec()
	all[labelReplica] = strconv.Itoa(n)
	return all
}

// containerName is readable, and differs between two networks on one engine.
func (e *Engine) containerName(r deployer.Release, n int) string {
	return fmt.Sprintf("%s-%s-%s-%d", e.network, r.Service.Name, r.ID, n)
}

// containers lists the replicas on our network, in the order of deployment and number; with an id, only that deployment's.
func (e *Engine) containers(ctx context.Context, id string) ([]container.Summary, error) {
	found, err := e.labelled(ctx, id)
	return slices.DeleteFunc(found, isOnce), err
}

// isOnce reports whether a container was made by RunOnce.
func isOnce(c container.Summary) bool { return c.Labels[labelOnce] != "" }

// labelled is containers with those of RunOnce.
func (e *Engine) labelled(ctx context.Context, id string) (found []container.Summary, err error) {
	which := filters.NewArgs(filters.Arg("label", labelNetwork+"="+e.network))
	if id != "" {
		which.Add("label", labelDeployment+"="+id)
	}
	err = e.ask(ctx, "list containers", func(ctx context.Context) error {
		found, err = e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: which})
		return err
	})
	slices.SortFunc(found, func(a, b container.Summary) int {
		return cmp.Or(cmp.Compare(a.Labels[labelDeployment], b.Labels[labelDeployment]), cmp.Compare(number(a), number(b)))
	})
	return found, err
}

func number(c container.Summary) int {
	n, _ := strconv.Atoi(c.Labels[labelReplica])
	return n
}

// address is a container's address on our network, empty while it does not run.
func (e *Engine) address(c container.Summary) string {
	if c.NetworkSettings == nil || c.NetworkSettings.Networks[e.network] == nil {
		return ""
	}
	return c.NetworkSettings.Networks[e.network].IPAddress
}

// replica is what people know a container by where its deployment is known.
func replica(c container.Summary) string {
	if isOnce(c) {
		return fmt.Sprintf("`%s` of %s", c.Labels[labelOnce], c.Labels[labelService])
	}
	return fmt.Sprintf("%s-%d", c.Labels[labelService], number(c))
}

// title is what people know a container by.
func title(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID[:min(12, len(c.ID))]
	}
	return strings.TrimPrefix(c.Names[0], "/")
}
