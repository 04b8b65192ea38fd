package legacy

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secretName is what secrets are called, in variables and in flags; secretText is how a login looks, in a URL or without one, and
// a key in PEM.
var (
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|private|key$|(^|[_.-])(key|pass|pw|pwd|auth|dsn)([_.-]|$)`)
	secretText = regexp.MustCompile(`(?i)://\S*@|[^\s:]:\S+@|passw(or)?d=|pwd=|-----BEGIN|AGE-SECRET-KEY-`)
)

// isSecret errs on the side of the environment.
func isSecret(name, value string) bool {
	return value != "" && (secretName.MatchString(name) || secretText.MatchString(value))
}

// inEnvironment is a reference in place of what looks like a secret, which is told and not shown.
func (j *job) inEnvironment(path, otherwise string, parts ...string) string {
	variable, reference := j.variable(parts...)
	j.tell(path, "it looks like a secret, which does not belong into the file", fmt.Sprintf("set %s in the environment to it, %s", variable, otherwise))
	return reference.Value
}

// ways to go on that are told beside the environment.
const (
	orEncrypt = "or write what `fisherman secrets encrypt` makes of it, as `{ age: … }`"
	orText    = "or write it back, if it is none"
)

// arguments are those of a service, flags with their secrets after an equals sign or as the next argument.
func (j *job) arguments(o *object, service string) *yaml.Node {
	made, flag := list(), ""
	for n, i := range o.list("args") {
		argument := j.scalar(i.path, i.node)
		name, value, assigned := strings.Cut(argument, "=")
		isFlag := strings.HasPrefix(argument, "-")
		switch {
		case isFlag && assigned && isSecret(name, value):
			made.Content = append(made.Content, verbatim(dollars(name)+"="+j.inEnvironment(i.path, orText, service, name)))
		case !isFlag && flag != "" && isSecret(flag, argument):
			made.Content = append(made.Content, verbatim(j.inEnvironment(i.path, orText, service, flag)))
		case secretText.MatchString(argument):
			made.Content = append(made.Content, verbatim(j.inEnvironment(i.path, orText, service, fmt.Sprint("argument_", n+1))))
		default:
			made.Content = append(made.Content, literal(argument))
		}
		if flag = ""; isFlag && !assigned {
			flag = argument
		}
	}
	return inline(made)
}
