// Package legacy reads what fisherman's predecessors were configured by, f2's config and the first fisherman's
// fisherman.yml, and writes it as a fisherman.yaml. What has no place there is told, with what to do about it; nothing is
// dropped in silence. Nothing of the old file that is a secret, by its name or its form, is in what it writes or tells.
package legacy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"fisherman/server/config"
)

// MaxSize bounds an old configuration, in bytes, as fisherman's own is.
const MaxSize = 1 << 20

// Imported is what became of an old configuration.
type Imported struct {
	Config    []byte     // a fisherman.yaml
	Left      []Leftover // what a person has to look at, in the order of the old file
	Variables []string   // what the new file takes from the environment, sorted
}

// Leftover is a key that could not be carried over, or not as it was.
type Leftover struct {
	Path string // of the old file
	Why  string
	Do   string
}

// String is one line.
func (l Leftover) String() string { return l.Path + ": " + l.Why + "; " + l.Do }

// job is one import while it goes on.
type job struct {
	left      []Leftover
	variables []string
	names     map[string]bool // of the services that were made
}

// start reads the old file and returns its root.
func start(raw []byte) (*job, *object, error) {
	if len(raw) > MaxSize {
		return nil, nil, fmt.Errorf("it is larger than %d bytes; is it the right file?", MaxSize)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, nil, unreadable(err)
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, nil, errors.New("it is no mapping of keys; is it the right file?")
	}
	j := &job{names: map[string]bool{}}
	return j, j.object("", document.Content[0]), nil
}

// quoted is what the YAML library quotes of a file: it may be a password that begins with an asterisk.
var quoted = regexp.MustCompile("'[^']*'|`[^`]*`|\"[^\"]*\"")

func unreadable(err error) error {
	return fmt.Errorf("it is not valid YAML: %s", quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "…"))
}

// tell adds something that a person has to look at.
func (j *job) tell(path, why, do string) { j.left = append(j.left, Leftover{path, why, do}) }

// variable is a reference to the environment in place of a secret, by a name of its own made of what it belongs to.
func (j *job) variable(parts ...string) (name string, reference *yaml.Node) {
	name = strings.ToUpper(notInNames.ReplaceAllString(strings.Join(parts, "_"), "_"))
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	free := name
	for n := 2; slices.Contains(j.variables, free); n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	j.variables = append(j.variables, free)
	return free, verbatim("${" + free + "}")
}

var (
	notInNames  = regexp.MustCompile(`[^A-Za-z0-9]+`)
	notInLabels = regexp.MustCompile(`[^a-z0-9]+`)
)

// service is a name that fisherman takes, and that no other service has.
func (j *job) service(path, old string) string {
	const longest = 40
	name := notInLabels.ReplaceAllString(strings.ToLower(old), "-")
	name = strings.Trim(name[:min(len(name), longest)], "-")
	if name == "" {
		name = "app"
	}
	free := name
	for n := 2; j.names[free]; n++ {
		free = fmt.Sprintf("%s-%d", strings.TrimRight(name[:min(len(name), longest-3)], "-"), n)
	}
	j.names[free] = true
	if free != old {
		j.tell(path, "its name is taken, or no DNS label of at most 40 characters", fmt.Sprintf("it became `%s`, by which the others on the network reach it, too; write another, if you like", free))
	}
	return free
}

// finish writes the new file.
func (j *job) finish(root *yaml.Node, head string) (*Imported, error) {
	root.HeadComment = head
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(root), encoder.Close()); err != nil {
		return nil, fmt.Errorf("write the new configuration: %w", err)
	}
	slices.Sort(j.variables)
	return &Imported{Config: []byte(b.String()), Left: j.left, Variables: j.variables}, nil
}

// Check looks at the new file as fisherman will, once every variable is set and what lies in S3 can be read, and tells what is
// still wrong, too.
func (i *Imported) Check() {
	_, err := config.Surroundings{
		Getenv:   func(name string) (string, bool) { return "x", slices.Contains(i.Variables, name) },
		ReadFile: func(_, _ string) ([]byte, error) { return nil, nil },
	}.Parse(i.Config)
	var problems config.Problems
	if !errors.As(err, &problems) {
		return // Parse has no other error
	}
	for _, p := range problems {
		i.Left = append(i.Left, Leftover{"in the new file, " + p.Path, p.Message, "mend it there"})
	}
}
