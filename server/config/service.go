package config

import (
	"fmt"
	"maps"
	"time"

	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
)

// serviceDraft is a service while it is read.
type serviceDraft struct {
	deployer.Service
	at       value
	strategy value
	bake     value
	allPorts value    // the list
	secrets  []Secret // nil: none of its own
	routes   []placed[deployer.Route]
	volumes  []placed[deployer.Volume]
	ports    []placed[deployer.Port]
	tmpfs    []placed[deployer.Tmpfs]
	capAdd   []placed[string]
	capDrop  []placed[string]
	args     []placed[string]
	command  []placed[string] // the entrypoint
	before   taskDraft
	after    taskDraft
	files    []fileDraft
	fromFile map[string]Secret // variables of env_file
}

// service is what the drafts add up to. A health check asks the first route's port unless it names one.
func (s serviceDraft) service() deployer.Service {
	got := s.Service
	got.Routes, got.Volumes, got.Ports = what(s.routes), what(s.volumes), what(s.ports)
	got.Tmpfs, got.CapAdd, got.CapDrop = what(s.tmpfs), inOrder(s.capAdd), inOrder(s.capDrop)
	got.Files = inPlace(s.files)
	if len(s.fromFile) > 0 {
		maps.Copy(s.fromFile, got.Environment)
		got.Environment = s.fromFile
	}
	if got.Health.Port == 0 && len(got.Routes) > 0 {
		got.Health.Port = got.Routes[0].Port
	}
	got.Args, got.Entrypoint = what(s.args), what(s.command)
	got.Before, got.After = s.before.task(), s.after.task()
	got.Written = s.written()
	return got
}

// taskDraft is a task while it is read.
type taskDraft struct {
	*deployer.Task // nil: there is none
	args           []placed[string]
}

func (t taskDraft) task() deployer.Task {
	if t.Task == nil {
		return deployer.Task{}
	}
	return deployer.Task{Args: what(t.args), Deadline: t.Deadline}
}

// written are arguments whose text is not what is written; nil: none is.
func (s serviceDraft) written() (all map[string]string) {
	for key, args := range map[string][]placed[string]{
		"args": s.args, "entrypoint": s.command, "before.args": s.before.args, "after.args": s.after.args,
	} {
		for i, a := range args {
			if a.is == a.at.node.Value {
				continue
			}
			if all == nil {
				all = map[string]string{}
			}
			all[fmt.Sprintf("%s[%d]", key, i)] = a.at.node.Value
		}
	}
	return all
}

// what is what values say, without their places; nil when there is none.
func what[T any](all []placed[T]) (said []T) {
	for _, p := range all {
		said = append(said, p.is)
	}
	return said
}

func serviceKeys(s *serviceDraft) mapping {
	return mapping{
		{name: "repository", required: true, kind: repository(&s.Repository), meaning: "the repository on GitHub, as owner/name"},
		{name: "secret", kind: secrets{&s.secrets}, meaning: "this repository's own webhook secret; absent: github.secret"},
		{name: "follow", fallback: "master", kind: branch(&s.Follow), meaning: "the branch whose pushes are deployed"},
		{name: "image", required: true, kind: image(&s.Image), meaning: "the image without its tag, such as ghcr.io/owner/name"},
		{name: "tag", fallback: "latest", kind: tag(&s.Tag), meaning: "the tag that is followed"},
		{name: "replicas", fallback: "1", kind: number(&s.Replicas, 1, 100), meaning: "how many containers run at once"},
		{name: "routes", kind: list[placed[deployer.Route]]{&s.routes, placing(routeKeys)}, meaning: "what requests come here; none for a worker"},
		{name: "health", kind: healthKeys(&s.Health), meaning: "when a release may take requests"},
		{name: "environment", kind: environment(&s.Environment), meaning: "variables of the container, each as the text that is written"},
		{name: "env_file", kind: envFiles{&s.fromFile}, meaning: "lines of NAME=VALUE, as Docker Compose reads them, each value a secret; beside the configuration, absolute, or s3://bucket/key; `environment` wins"},
		{name: "files", kind: files(&s.files), meaning: "files of the container, by their paths in it; at most 1 MiB each and 8 MiB in all"},
		{name: "args", kind: list[placed[string]]{&s.args, placing(argument)}, meaning: "overrides the image's CMD"},
		{name: "before", kind: optional[deployer.Task]{&s.before.Task, s.before.keys("what is run to its end, in a container of its own, before anything of a new release is started: migrations")}, meaning: "what is run once before a new release is started"},
		{name: "after", kind: optional[deployer.Task]{&s.after.Task, s.after.keys("the same once the new release is live; its failure is told and changes nothing")}, meaning: "what is run once after the switch"},
		{name: "strategy", fallback: string(deployer.BlueGreen), kind: located{oneOf(&s.Strategy, deployer.BlueGreen, deployer.Recreate), &s.strategy}, meaning: "recreate is for what must not run twice"},
		{name: "drain", fallback: "30s", kind: duration(&s.Drain, 0, 24*time.Hour), meaning: "for requests in flight on the old release"},
		{name: "stop", fallback: "10s", kind: duration(&s.Stop, 0, time.Hour), meaning: "from SIGTERM to SIGKILL"},
		{name: "bake", fallback: "0s", kind: located{duration(&s.Bake, 0, 24*time.Hour), &s.bake}, meaning: "how long the old release stays warm after the switch: if the new one is worse, traffic goes back at once; blue-green only"},
		{name: "retain", fallback: "3", kind: number(&s.Retain, 0, 100), meaning: "releases kept for rollback"},
		{name: "resources", kind: resourceKeys(&s.Resources), meaning: "what each container may use"},
		{name: "volumes", kind: list[placed[deployer.Volume]]{&s.volumes, placing(volume)}, meaning: "an absolute path or a volume's name, and where it is in the container; one that can be written needs a `strategy`"},
		{name: "ports", kind: located{list[placed[deployer.Port]]{&s.ports, placing(hostPort)}, &s.allPorts}, meaning: "of the machine, for what is not HTTP; needs `strategy: recreate` and one replica"},
		{name: "entrypoint", kind: list[placed[string]]{&s.command, placing(argument)}, meaning: "overrides the image's ENTRYPOINT; its CMD then counts no longer, `args` do"},
		{name: "user", kind: user(&s.User), meaning: "that the app runs as; absent: the image's"},
		{name: "extra_hosts", kind: list[string]{&s.ExtraHosts, extraHost}, meaning: "names that the container knows besides DNS; the address `host-gateway` is this machine"},
		{name: "labels", kind: labels(&s.Labels), meaning: "of the containers, for other programs; `fisherman.` is fisherman's own, and nothing is taken from the environment"},
		{name: "cap_add", kind: list[placed[string]]{&s.capAdd, placing(capability)}, meaning: "beyond Docker's usual capabilities; `ALL` for all"},
		{name: "cap_drop", kind: list[placed[string]]{&s.capDrop, placing(capability)}, meaning: "taken away of them; `ALL` for all"},
		{name: "read_only", fallback: "false", kind: truth(&s.ReadOnly), meaning: "the container's own file system; `volumes` and `tmpfs` can be written all the same"},
		{name: "tmpfs", kind: list[placed[deployer.Tmpfs]]{&s.tmpfs, placing(tmpfs)}, meaning: "directories in memory, empty at each start; without a size half of the machine's memory at most"},
	}
}

func routeKeys(r *deployer.Route) kind {
	return mapping{
		{name: "host", required: true, kind: host(&r.Host), meaning: "the host name that requests come for"},
		{name: "prefix", fallback: "/", kind: pathPrefix(&r.Prefix), meaning: "the longest one wins, by whole path segments"},
		{name: "port", required: true, kind: number(&r.Port, 1, 65535), meaning: "the container's port"},
		{name: "tls", fallback: "auto", kind: oneOf(&r.TLS, deployer.TLSAuto, deployer.TLSFiles, deployer.TLSOff), meaning: "where the host's certificate comes from: auto is a file where one covers the host, else ACME; off: plain HTTP stays plain"},
		{name: "client_ca", kind: file(&r.ClientCA), meaning: "mutual TLS: who asks for the host must show a certificate that one in this PEM file has signed; re-read when it changes"},
	}
}

// keys are those of a command that runs to its end.
func (d *taskDraft) keys(meaning string) func(*deployer.Task) kind {
	return func(t *deployer.Task) kind {
		args := checked{list[placed[string]]{&d.args, placing(argument)}, func(r *reader, v value) {
			if v.node != nil && v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
				r.report(v, "", "is an empty list; write the command, or remove the key around it")
			}
		}, node{"minItems": 1}}
		return mapping{
			{name: "args", required: true, kind: args, meaning: meaning + "; in place of the image's CMD, as `args`"},
			{name: "deadline", fallback: "10m", kind: duration(&t.Deadline, time.Second, 24*time.Hour), meaning: "it is stopped then, and has failed"},
		}
	}
}

func healthKeys(h *deployer.Health) mapping {
	return mapping{
		{name: "path", kind: requestPath(&h.Path), meaning: "GET must answer 2xx; absent: the image's HEALTHCHECK, else a TCP connect, else 5 s without an exit"},
		{name: "port", kind: number(&h.Port, 1, 65535), meaning: "of the path; absent: the first route's"},
		{name: "deadline", fallback: "60s", kind: duration(&h.Deadline, time.Second, time.Hour), meaning: "when to give up on a new release"},
		{name: "successes", fallback: "2", kind: number(&h.Successes, 1, 100), meaning: "in a row"},
	}
}
