package legacy

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fisherman turns the first fisherman's fisherman.yml into a fisherman.yaml. That one built binaries on the machine and had
// supervisord run them, so it knows repositories, branches and secrets, and nothing of images.
func Fisherman(raw []byte) (*Imported, error) {
	j, root, err := start(raw)
	if err != nil {
		return nil, err
	}
	usual, specific := root.object("default"), root.object("specific")
	root.rest()
	made := mapping()
	put(made, "github", j.webhooks(usual))
	put(made, "discord", j.discord(usual))
	if port := usual.text("port"); port != "" && port != "5000" {
		server := mapping()
		put(server, "listen", text("127.0.0.1:"+port))
		put(made, "server", server)
	}
	const builds = "nothing is built on this machine any more"
	const instead = "let GitHub Actions build an image of each repository; README's quick start has the workflow"
	usual.left("repo_root", builds, instead)
	usual.left("cargo_path", builds, "no more has to be done")
	usual.left("ssh_private_key", builds, "remove the key from the machine and from GitHub")
	usual.rest()
	services := mapping()
	for _, repository := range specific.keys {
		j.repository(specific.object(repository), specific.below(repository), repository, services)
	}
	if len(services.Content) == 0 {
		return nil, errors.New("`specific` names no repository, and what was only a directory in `repo_root` is not in this file; write a fisherman.yaml by README's quick start")
	}
	j.tell("default.repo_root", "repositories without an entry in `specific` were deployed, too", "add a service for each of them")
	j.tell("specific", "nothing says which requests an app is for, which port it listens on and what its environment was",
		"write `routes`, `health` and `environment` for each service, by nginx's and supervisord's configuration")
	put(made, "services", services)
	return j.finish(made, "Made by `fisherman import fisherman`. The images in it are guesses.")
}

// webhooks has the secret for all; a repository's own come with it.
func (j *job) webhooks(usual *object) *yaml.Node {
	made := mapping()
	name, reference := j.variable("GITHUB_WEBHOOK_SECRET")
	put(made, "secret", reference)
	if usual.text("secret") == "" {
		j.tell("default.secret", "there is none, and fisherman takes no unsigned webhook", fmt.Sprintf("give GitHub's webhooks one, and set it as %s in the environment", name))
	} else {
		j.tell("default.secret", "secrets do not belong into the file", kept(name))
	}
	return made
}

// kept is where a secret goes.
func kept(variable string) string {
	return fmt.Sprintf("set it as %s in the environment, or write what `fisherman secrets encrypt` makes of it, as `{ age: … }`", variable)
}

func (j *job) discord(usual *object) *yaml.Node {
	made, old := mapping(), usual.object("discord")
	if len(old.keys) == 0 {
		return made
	}
	name, reference := j.variable("DISCORD_TOKEN")
	put(made, "token", reference)
	put(made, "channel_id", text(old.text("channel_id")))
	old.left("token", "secrets do not belong into the file", kept(name))
	old.rest()
	return made
}

// repository becomes a service for each of its binaries.
func (j *job) repository(old *object, at, repository string, services *yaml.Node) {
	var secret *yaml.Node
	if old.take("secret") != nil {
		name, reference := j.variable(path.Base(repository), "webhook_secret")
		j.tell(at+".secret", "secrets do not belong into the file", kept(name))
		secret = reference
	}
	follow := old.text("follow")
	binaries := []string{path.Base(repository)}
	if named := old.list("binaries"); len(named) > 0 {
		binaries = nil
		for _, i := range named {
			binaries = append(binaries, j.scalar(i.path, i.node))
		}
	}
	var guessed []string
	for _, binary := range binaries {
		image := strings.ToLower("ghcr.io/" + path.Dir(repository) + "/" + binary)
		guessed = append(guessed, image)
		made := mapping()
		put(made, "repository", text(repository))
		put(made, "secret", secret)
		if follow != "master" {
			put(made, "follow", text(follow))
		}
		put(made, "image", text(image))
		put(services, j.service(at, binary), made)
	}
	j.tell(at, "there was no image", "let GitHub Actions build "+strings.Join(guessed, " and ")+", or write what you call it")
	const inside = "commands ran on the machine, and now run in a container of the new image"
	old.left("precommands", inside, "write the same by `before`, with programs that the image has")
	old.left("commands", inside, "write the same by `after`, with programs that the image has")
	old.left("code_root", "nothing is built on this machine any more", "build there in the workflow (`context`)")
	old.left("should_build_binaries", "nothing is built on this machine any more", "no more has to be done")
	old.rest()
}
