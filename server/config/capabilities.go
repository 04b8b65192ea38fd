package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// capabilities are what Linux knows (capabilities(7)), and ALL of them.
func capabilities() []string {
	return strings.Fields(`ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
		DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
		NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT
		SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`)
}

// capability is the name of one, with or without CAP_.
func capability(into *string) kind {
	return scalar[string]{into: into, word: "capability", form: form{words: capabilities(), pattern: "^CAP_[A-Z_]+$"}, parse: func(s string) (string, error) {
		name := strings.TrimPrefix(s, "CAP_")
		if slices.Contains(capabilities(), name) {
			return name, nil
		}
		if near := nearest(strings.ToUpper(name), capabilities()); near != "" {
			return "", fmt.Errorf("is not a capability of Linux; did you mean `%s`?", near)
		}
		return "", errors.New("is not a capability of Linux; write one of capabilities(7), such as `NET_ADMIN`, or `ALL`")
	}}
}

// checkCapabilities: one that is both given and taken would be a matter of the engine's order.
func (s serviceDraft) checkCapabilities(r *reader) {
	given := map[string]string{}
	for _, c := range s.capAdd {
		given[c.is] = c.at.path
	}
	for _, c := range s.capDrop {
		if at, both := given[c.is]; both && c.is != "" {
			r.report(c.at, c.at.node.Value, "is added, too (%s); remove one of the two", at)
		}
	}
}

// inOrder is what values say, sorted: their order makes no difference, so it shall make none in what is compared.
func inOrder(all []placed[string]) []string {
	said := what(all)
	slices.Sort(said)
	return slices.Compact(said)
}
