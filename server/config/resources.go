package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/docker/go-units"

	"fisherman/deployer"
)

// Docker starts no container with less (Docker documentation, "Runtime options with Memory, CPUs, and GPUs").
const (
	leastMemory = 6 << 20 // bytes
	leastCPUs   = 0.01
)

const (
	mostMemory = 1 << 50 // bytes; well below what overflows
	mostCPUs   = 1024
	mostPIDs   = 1 << 22 // Linux counts no further (proc(5), pid_max)
)

var (
	// decimal is a number without sign, exponent and words such as Inf.
	decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	// memorySize is the same with a unit, as `docker run --memory` takes it.
	memorySize = regexp.MustCompile(`^(?i)[0-9]+(\.[0-9]+)?(b|[kmg](i?b)?)?$`)
)

func resourceKeys(r *deployer.Resources) mapping {
	return mapping{
		{name: "memory", kind: memory(&r.Memory), meaning: "each container may use, swap included; one that wants more is killed; absent: no bound"},
		{name: "cpus", kind: cpus(&r.CPUs), meaning: "each container may use; absent: no bound"},
		{name: "pids", kind: number(&r.PIDs, 1, mostPIDs), meaning: "processes and threads that each container may have; absent: no bound"},
	}
}

// memory is a number of bytes, as Docker writes it.
func memory(into *int64) kind {
	return scalar[int64]{into: into, word: "size, such as 256m", form: sizes(), parse: func(s string) (int64, error) {
		bytes, err := units.RAMInBytes(s)
		switch {
		case err != nil || !memorySize.MatchString(s):
			return 0, errors.New("is not an amount of memory; write a number and b, k, m or g, such as `256m`")
		case bytes < 0 || bytes > mostMemory: // below zero: it has overflowed
			return 0, errors.New("is more than any machine has; write less, or remove the key for no bound")
		case bytes < leastMemory && decimal.MatchString(s):
			return 0, fmt.Errorf("is a number of bytes, and less than the 6m that Docker demands; write a unit, such as `%sm`", s)
		case bytes < leastMemory:
			return 0, errors.New("is less than Docker demands; write `6m` or more")
		}
		return bytes, nil
	}}
}

func sizes() form {
	return form{pattern: `^[0-9]+([.][0-9]+)?([bB]|[kKmMgG]([iI]?[bB])?)?$`, number: node{"type": "integer", "minimum": leastMemory}}
}

// cpus is a number of cores and parts of them.
func cpus(into *float64) kind {
	return scalar[float64]{into: into, word: "number, such as 0.5", form: within("number", leastCPUs, mostCPUs), parse: func(s string) (float64, error) {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !decimal.MatchString(s) || n < leastCPUs || n > mostCPUs {
			return 0, fmt.Errorf("must be a number of cores from %g to %d, such as `0.5`", leastCPUs, mostCPUs)
		}
		return n, nil
	}}
}
