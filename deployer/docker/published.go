package docker

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/docker/go-connections/nat"

	"fisherman/deployer"
)

func containerPort(p deployer.Port) nat.Port {
	return nat.Port(fmt.Sprintf("%d/%s", p.Container, p.Protocol))
}

// exposed are the container's ports that ports of the machine lead to.
func exposed(ports []deployer.Port) nat.PortSet {
	if len(ports) == 0 {
		return nil
	}
	set := nat.PortSet{}
	for _, p := range ports {
		set[containerPort(p)] = struct{}{}
	}
	return set
}

// bindings lead ports of the machine to the container's; several may lead to the same one.
func bindings(ports []deployer.Port) nat.PortMap {
	if len(ports) == 0 {
		return nil
	}
	all := nat.PortMap{}
	for _, p := range ports {
		to := containerPort(p)
		all[to] = append(all[to], nat.PortBinding{HostIP: p.Address, HostPort: strconv.Itoa(p.Host)})
	}
	return all
}

// taken is how the engine words that a port is not free: another container has it, or another process of the machine.
var taken = regexp.MustCompile(`:(\d+)(?: failed: port is already allocated|: bind: address already in use)`)

// portTaken adds the remedy to the engine's refusal of a port.
func portTaken(err error) error {
	if err == nil {
		return nil
	}
	found := taken.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	return fmt.Errorf("port %[1]s of this machine is taken: stop what has it (docker ps --filter publish=%[1]s, or ss -lnp 'sport = :%[1]s'), or choose another host port in the service's ports: %[2]w",
		found[1], err)
}
