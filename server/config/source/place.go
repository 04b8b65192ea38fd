package source

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// place is where one text lies: a file of this machine, or an object in S3. It is comparable.
type place struct {
	file        string // absolute; empty for an object
	bucket, key string
	written     string // what it is called where its name takes something from the environment, which is not shown
}

// String is the place as people write it.
func (p place) String() string {
	switch {
	case p.written != "":
		return p.written
	case p.file != "":
		return p.file
	}
	return "s3://" + p.bucket + "/" + p.key
}

// discreet is an error without what the place's name takes from the environment: that may be the secret itself, where
// `{ file: "${NAME}" }` was written for "${NAME}".
func (p place) discreet(err error) error {
	if p.written == "" || errors.Is(err, errSame) {
		return err
	}
	if why := kind(err); why != nil {
		return fmt.Errorf("%s %w (its name is taken from the environment and not shown)", p, why)
	}
	return fmt.Errorf("%s cannot be read (its name is taken from the environment and not shown)", p)
}

// bucketName is what may be a bucket (Amazon S3 user guide, "General purpose bucket naming rules"); the older, laxer names are
// among them.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$`)

// locate reads a location: a path, relative ones from the working directory, or s3://bucket/key.
func locate(location string) (place, error) {
	scheme, rest, hasScheme := strings.Cut(location, "://")
	switch {
	case location == "":
		return place{}, errors.New("no location: write a path or `s3://bucket/key`")
	case !hasScheme && mistaken(location) != nil:
		return place{}, mistaken(location)
	case !hasScheme:
		file, err := filepath.Abs(location)
		return place{file: file}, err
	case scheme != "s3":
		return place{}, fmt.Errorf("%s: `%s://` is not known; write a path or `s3://bucket/key`", withoutLogin(location), scheme)
	}
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case !bucketName.MatchString(bucket):
		return place{}, fmt.Errorf("%s: no bucket after `s3://` that S3 could have, 3 to 63 of a-z, 0-9, dot and hyphen; write `s3://bucket/key`", withoutLogin(location))
	case key == "" || strings.HasSuffix(key, "/"):
		return place{}, fmt.Errorf("%s: names no object; write `s3://bucket/key`", location)
	}
	return place{bucket: bucket, key: key}, nil
}

// remoteLogin begins what git and scp take for a place on another machine.
var remoteLogin = regexp.MustCompile(`^[\w.-]+@[\w.-]+:`)

// mistaken says of what could be a path that it was hardly meant as one.
func mistaken(name string) error {
	switch {
	case strings.HasPrefix(name, "s3:"):
		return fmt.Errorf("%s: write `s3://bucket/key`, or `./%s` if it is a file's name", name, name)
	case remoteLogin.MatchString(name):
		return fmt.Errorf("%s: is no path; write a path or `s3://bucket/key`, or `./%s` if it is a file's name", name, name)
	}
	return nil
}

// withoutLogin keeps a password that somebody has put into an address out of what is printed.
func withoutLogin(location string) string {
	scheme, rest, _ := strings.Cut(location, "://")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + "://" + rest
}

// beside is the place that a name in the configuration at p means, as it is and as it is written there.
func (p place) beside(name, written string) (place, error) {
	where, err := p.near(name)
	if name != written {
		where.written = written
	}
	return where, err
}

// near: an absolute path of this machine, an s3://bucket/key, or what lies in the same directory, or under the same prefix, as
// the configuration.
func (p place) near(name string) (place, error) {
	switch {
	case name == "":
		return place{}, errors.New("an empty name; write a path or `s3://bucket/key`")
	case strings.Contains(name, "://"):
		return locate(name)
	case mistaken(name) != nil:
		return place{}, mistaken(name)
	case filepath.IsAbs(name):
		return place{file: filepath.Clean(name)}, nil
	case p.file != "":
		return place{file: filepath.Join(filepath.Dir(p.file), name)}, nil
	}
	key := path.Join(path.Dir(p.key), name)
	if key == ".." || strings.HasPrefix(key, "../") {
		return place{}, fmt.Errorf("%s leads out of the bucket %s; write `s3://bucket/key`", name, p.bucket)
	}
	return place{bucket: p.bucket, key: key}, nil
}
