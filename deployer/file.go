package deployer

import (
	"crypto/sha256"
	"encoding/hex"
)

// File is put into each container of a service before it starts, in place of what the image may have there.
type File struct {
	Target   string // an absolute path in the container
	Mode     int    // permissions: 0o444
	UID, GID int    // its owner in the container
	Content  Secret
}

// fileSpec is what a file contributes to a Spec: of its content only a hash.
type fileSpec struct {
	Target         string
	Mode, UID, GID int
	Content        string
}

func fileSpecs(files []File) []fileSpec {
	var all []fileSpec
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.Content.written()))
		content := hex.EncodeToString(sum[:])
		if f.Content.IsSealed() {
			content = "sealed " + content
		}
		all = append(all, fileSpec{f.Target, f.Mode, f.UID, f.GID, content})
	}
	return all
}
