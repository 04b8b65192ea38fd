package legacy

import (
	"errors"
	"fmt"
	"net"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// f2 is an import of f2's configuration.
type f2 struct {
	*job
	certificates map[string]*yaml.Node // by host: those in files; nil for those that are not
	anchors      map[string]string     // by host: the file with the authority of its clients
	private      []item                // the hosts that ask for it, where they are written
	served       map[string]bool       // hosts that a route was found for
	listens      *yaml.Node            // `proxy`
	fixed        []string              // services whose tag does not move
	guessed      []string              // services whose repository is a guess
}

// F2 turns f2's configuration into a fisherman.yaml. It reads what all versions of f2 wrote: services by name with routes,
// services with one host and port, and services as a list.
func F2(raw []byte) (*Imported, error) {
	j, root, err := start(raw)
	if err != nil {
		return nil, err
	}
	old := &f2{job: j, certificates: map[string]*yaml.Node{}, anchors: map[string]string{}, served: map[string]bool{}, listens: mapping()}
	old.balancer(root.object("alb"))
	root.left("secrets", "the key that decrypts `secret:` values stays where it is", "the values themselves are named below; `fisherman secrets keygen` makes a key of fisherman's own")
	services := old.services(root)
	old.auxiliary(root, services)
	root.rest()
	if len(services.Content) == 0 {
		return nil, errors.New("it holds no `services`; is it f2's configuration?")
	}
	old.summary()
	made := mapping()
	_, secret := j.variable("GITHUB_WEBHOOK_SECRET")
	github := mapping()
	put(github, "secret", secret)
	put(made, "github", github)
	put(made, "proxy", old.listens)
	put(made, "services", services)
	return j.finish(made, "Made by `fisherman import f2`. What it said could not be carried over is not in here.")
}

// services reads them by name, or as the list that f2 began with.
func (f *f2) services(root *object) *yaml.Node {
	made := mapping()
	if n := resolved(root.at["services"]); n != nil && n.Kind == yaml.SequenceNode {
		for _, i := range root.list("services") {
			o := f.object(i.path, i.node)
			name := f.service(i.path, lastPart(o))
			put(made, name, f.app(o, name))
		}
		return made
	}
	all := root.object("services")
	for _, old := range all.keys {
		name := f.service(all.below(old), old)
		put(made, name, f.app(all.object(old), name))
	}
	return made
}

// lastPart is what a service without a name is called: the last part of its image.
func lastPart(o *object) string {
	n := resolved(o.at["image"])
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return path.Base(n.Value)
}

// auxiliary services had a port and no route.
func (f *f2) auxiliary(root *object, services *yaml.Node) {
	for _, i := range root.list("auxillary_services") { //nolint:misspell // as f2 has it
		o := f.object(i.path, i.node)
		name := f.service(i.path, lastPart(o))
		o.left("port", "services on the network reach it by its name and any of its ports", "look at the addresses that the others have of it")
		put(services, name, f.app(o, name))
	}
}

// fixed is a tag that a build gives to one image only.
var fixed = regexp.MustCompile(`^(\d{8}(-\d{4,6})?|v?\d+(\.\d+)*|[0-9a-f]{7,40})$`)

func (f *f2) app(o *object, name string) *yaml.Node {
	made := mapping()
	image, tag := o.text("image"), o.text("tag")
	put(made, "repository", text(f.repository(name, image)))
	put(made, "image", text(image))
	put(made, "tag", text(tag))
	if fixed.MatchString(tag) {
		f.fixed = append(f.fixed, name)
	}
	if replicas := o.text("replicas"); replicas != "1" {
		put(made, "replicas", number(replicas))
	}
	put(made, "routes", f.routes(o))
	put(made, "environment", f.environment(o, name))
	put(made, "args", f.arguments(o, name))
	f.volumes(o, made)
	if mode := o.text("shutdown_mode"); mode == "forceful" {
		f.tell(o.below("shutdown_mode"), "fisherman always lets requests finish before SIGTERM, and SIGKILL comes last", "look at `drain` and `stop`")
	}
	o.left("proxy_settings", "the app gets the client's own Host, and HTTP/1.1", "no more has to be done, as a rule")
	o.rest()
	return made
}

// repository is a guess: f2 did not know where its images came from.
func (f *f2) repository(name, image string) string {
	parts := strings.Split(image, "/")
	if len(parts) > 1 && strings.ContainsAny(parts[0], ".:") {
		parts = parts[1:]
	}
	f.guessed = append(f.guessed, name)
	switch n := len(parts); {
	case image == "":
		return ""
	case n == 1:
		return "library/" + parts[0]
	default:
		return parts[n-2] + "/" + parts[n-1]
	}
}

func (f *f2) environment(o *object, name string) *yaml.Node {
	made, old := mapping(), o.object("environment")
	for _, key := range old.keys {
		nothing := resolved(old.at[key]) == nil
		value := old.text(key)
		switch {
		case nothing && glued.MatchString(key), strings.Contains(key, "="):
			f.tell(old.below(key), gluedWhy, gluedDo)
			continue
		case strings.HasPrefix(value, "secret:"):
		case isSecret(key, value):
			put(made, key, verbatim(f.inEnvironment(old.below(key), orEncrypt, name, key)))
			continue
		default:
			put(made, key, literal(value))
			continue
		}
		variable, reference := f.variable(name, key)
		f.tell(old.below(key), "it is encrypted for f2's key", fmt.Sprintf("decrypt it with that key, and set %s in the environment or write what `fisherman secrets encrypt` makes of it, as `{ age: … }`", variable))
		put(made, key, reference)
	}
	return made
}

// volumes are files and directories of the machine, or files from S3.
func (f *f2) volumes(o *object, made *yaml.Node) {
	all, mounts, files, writable := o.object("volumes"), list(), mapping(), false
	for _, key := range all.keys {
		volume := all.object(key)
		target := volume.text("target")
		file, bucket := f.external(volume.object("source"))
		switch {
		case bucket != "":
			source := mapping()
			put(source, "source", text("s3://"+bucket))
			files.Content = append(files.Content, literal(target), inline(source))
			f.tell(all.below(key), "it is a file in S3, which fisherman reads and follows itself", "let this machine have s3:GetObject on s3://"+bucket)
		case strings.HasPrefix(file, "/"):
			mounts.Content, writable = append(mounts.Content, literal(file+":"+target)), true
			f.tell(all.below(key), "f2 let the old release and the new one write to it at once, and `strategy: blue-green` goes on with that",
				"write `strategy: recreate` if the app cannot stand it, or `"+file+":"+target+":ro` if it only reads")
		default:
			f.tell(all.below(key), "its source is no absolute path", "write it into `volumes`")
		}
		volume.rest()
	}
	put(made, "volumes", mounts)
	put(made, "files", files)
	if writable {
		put(made, "strategy", text("blue-green"))
	}
}

// external is where f2 had a file from: a path of the machine, or a bucket and key in S3.
func (f *f2) external(o *object) (file, bucket string) {
	file, bucket = o.text("path"), path.Join(o.text("bucket"), o.text("key"))
	_ = o.text("location")
	o.rest()
	return file, bucket
}

// summary is told once for all services, since it is the same for each.
func (f *f2) summary() {
	for _, i := range f.private {
		if !f.served[hostKey(i.node.Value)] {
			f.tell(i.path, "no route has this host, so nobody is asked for a certificate for it", "write `client_ca` at each route that is meant")
		}
	}
	f.tell("github", "f2 was told of new images by changed tags, fisherman is by GitHub",
		"create a webhook in each repository, with pushes and packages, and set its secret as GITHUB_WEBHOOK_SECRET in the environment; `server.host` is where it arrives")
	if len(f.guessed) > 0 {
		f.tell("services."+braced(f.guessed)+".image", "f2 did not say which repository an image is built from, so `repository` is a guess by the image's name",
			"write owner/name of the repository on GitHub whose pushes are deployed")
	}
	if len(f.fixed) > 0 {
		f.tell("services."+braced(f.fixed)+".tag", "it is the tag of one build, and fisherman follows a tag that moves",
			"let the build push a tag such as latest, too, and write that")
	}
}

func braced(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "{" + strings.Join(names, ",") + "}"
}

// hostKey is a host as requests name it: hosts are compared without their ports and in lower case.
func hostKey(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// bare is a host without its port, which requests may carry and routes do not.
func (f *f2) bare(at, host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	f.tell(at, "the host holds a port", fmt.Sprintf("requests for port %s find the route all the same", port))
	return name
}
