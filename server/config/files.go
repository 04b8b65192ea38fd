package config

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
)

// maxFiles bounds what all the files of a service come to, in bytes: they are kept in memory and sent to the engine with each
// container.
const maxFiles = 8 << 20

// longestPath is Linux's PATH_MAX without the NUL, in bytes.
const longestPath = 4095

// fileMode is what a file's permissions may be, and ownerNumbers whose it is: names would be those of this machine.
var (
	fileMode     = regexp.MustCompile(`^0?[0-7]{3}$`)
	ownerNumbers = regexp.MustCompile(`^([0-9]{1,9})(?::([0-9]{1,9}))?$`)
)

// fileDraft is a file while it is read.
type fileDraft struct {
	deployer.File
	source string
	at     value
	inline value
	from   value
}

// files are by their paths in the container.
func files(into *[]fileDraft) kind {
	return dictionary[fileDraft]{
		word: "PATH", name: fileTarget, names: node{"pattern": "^/.*[^/]$"}, entry: fileKeys,
		put: func(at value, got fileDraft) {
			got.at, got.Target = at, at.name
			*into = append(*into, got)
		},
	}
}

func fileKeys(f *fileDraft) kind {
	return checked{mapping{
		{name: "content", kind: located{fileText(&f.Content), &f.inline}, meaning: "the text itself, or `{ age: ENCRYPTED }`"},
		{name: "source", kind: located{fileName(&f.source), &f.from}, meaning: "or where it is: an absolute path of this machine, a path beside the configuration, or s3://bucket/key"},
		{name: "mode", fallback: "0444", kind: permissions(&f.Mode), meaning: "its permissions, in octal"},
		{name: "owner", fallback: "0:0", kind: owner(&f.UID, &f.GID), meaning: "its user and group, in numbers"},
	}, f.load, nil}
}

// load gets the content of a file that is elsewhere.
func (f *fileDraft) load(r *reader, v value) {
	switch {
	case v.empty() || v.node.Kind != yaml.MappingNode:
		if v.empty() {
			r.report(v, "", "is empty; write its `content`, or its `source`")
		}
		return
	case f.inline.node == nil && f.from.node == nil:
		r.report(v, "", "has no content; write `content`, or `source` for where it is")
		return
	case f.source == "":
		return // it is inline, or a problem already
	case f.inline.node != nil:
		r.report(f.from, f.from.node.Value, "stands beside `content`; remove one of them")
		return
	}
	text, err := r.readFile(f.from, f.source)
	if err == nil && len(text) > MaxSize {
		err = fmt.Errorf("is larger than %d bytes; mount what is large as a volume", MaxSize)
	}
	if err != nil {
		f.Content = r.without(f.from, f.from.node.Value, err, r.service)
		return
	}
	f.Content = deployer.Plain(text)
}

// fileTarget is where a file can be: the engine mounts something of its own over the others when the container starts.
func fileTarget(target string) error {
	clean, err := wholePath(target)
	switch {
	case len(target) > longestPath:
		return fmt.Errorf("is longer than a path can be, %d bytes", longestPath)
	case err != nil:
		return fmt.Errorf("as a path in the container %w", err)
	case clean != target || target == "/":
		return errors.New("names a directory; write the path of a file")
	}
	for _, own := range []string{"/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
		if isWithin(target, own) {
			return fmt.Errorf("would be hidden by what Docker mounts at `%s`; write another path", own)
		}
	}
	return nil
}

// isWithin reports whether a path is a directory's, or the same.
func isWithin(path, directory string) bool {
	return path == directory || strings.HasPrefix(path, strings.TrimSuffix(directory, "/")+"/")
}

// fileText is a text of any kind, or one that is encrypted.
func fileText(into *Secret) kind {
	return confidential{into: into, plain: scalar[Secret]{into: into, word: "text or secret", hidden: true, blank: true, parse: func(s string) (Secret, error) {
		if len(s) > MaxSize {
			return Secret{}, fmt.Errorf("is longer than %d bytes; mount what is large as a volume", MaxSize)
		}
		return deployer.Plain(s), nil
	}}}
}

func permissions(into *int) kind {
	return scalar[int]{into: into, word: "octal", form: bare(fileMode.String()), parse: func(s string) (int, error) {
		if !fileMode.MatchString(s) {
			return 0, errors.New("is not a mode; write three digits from 0 to 7, such as `0444` or `0600`")
		}
		mode, err := strconv.ParseInt(s, 8, 32)
		return int(mode), err
	}}
}

func owner(uid, gid *int) kind {
	var both string
	return checked{scalar[string]{into: &both, word: "UID[:GID]", form: bare(ownerNumbers.String()), parse: func(s string) (string, error) {
		if !ownerNumbers.MatchString(s) {
			return "", errors.New("is not a pair of numbers; write `UID:GID` as they are in the container, such as `1000:1000`")
		}
		return s, nil
	}}, func(*reader, value) {
		if m := ownerNumbers.FindStringSubmatch(both); m != nil {
			*uid, *gid = atoi(m[1]), atoi(cmp.Or(m[2], m[1]))
		}
	}, nil}
}

// inPlace are files without their places, in a certain order.
func inPlace(drafts []fileDraft) (all []deployer.File) {
	for _, f := range drafts {
		all = append(all, f.File)
	}
	slices.SortFunc(all, func(a, b deployer.File) int { return cmp.Compare(a.Target, b.Target) })
	return all
}

// checkFiles: a file has to be in the container's own file system, where it can be written before the container starts.
func (s serviceDraft) checkFiles(r *reader) {
	size := 0
	for _, f := range s.files {
		if f.Content.IsSealed() {
			continue
		}
		content, _ := f.Content.Reveal()
		size += len(content)
	}
	if size > maxFiles {
		r.report(s.at.absent("files"), "", "come to more than %d bytes; mount what is large as a volume", maxFiles)
	}
	beside, mounts := map[string]value{}, s.mountPoints()
	for _, f := range s.files {
		if fileTarget(f.Target) != nil {
			continue // it has a problem already
		}
		if s.ReadOnly {
			r.report(f.at, "", "cannot be written: Docker puts no file into a container that is `read_only`; remove that, or mount the file "+
				"with `volumes: [/path/on/this/machine:%s:ro]`", f.Target)
		}
		f.checkPlace(r, beside, mounts)
	}
}

// checkPlace looks at what is above a file. beside has the files before it, by their paths and by those of all directories above
// them.
func (f fileDraft) checkPlace(r *reader, beside, mounts map[string]value) {
	collides := func(other value) {
		r.report(f.at, "", "cannot be beside %s: one of them would have to be a directory", other.path)
	}
	if other, is := beside[f.Target]; is {
		collides(other)
	}
	for p := f.Target; ; p = path.Dir(p) {
		if at, mounted := mounts[p]; mounted {
			r.report(f.at, "", "would be hidden by %s, which is mounted at `%s`; put the file elsewhere, or into what is mounted there", at.path, p)
		}
		if other, is := beside[p]; is && p != f.Target && other.name == p {
			collides(other)
		}
		if _, is := beside[p]; !is {
			beside[p] = f.at
		}
		if p == "/" {
			return
		}
	}
}

// mountPoints are where something is mounted.
func (s serviceDraft) mountPoints() map[string]value {
	all := map[string]value{}
	for _, v := range s.volumes {
		all[v.is.Target] = v.at
	}
	for _, t := range s.tmpfs {
		all[t.is.Target] = t.at
	}
	return all
}
