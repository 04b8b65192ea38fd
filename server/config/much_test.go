package config

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
)

// TestManyFilesAndMounts would not end for minutes if each file were compared with all others, or with all mounts.
func TestManyFilesAndMounts(t *testing.T) {
	const many = 40_000
	s, r := serviceDraft{}, &reader{}
	for i := range many {
		target := fmt.Sprintf("/d/%d", i)
		s.files = append(s.files, fileDraft{File: deployer.File{Target: target}, at: value{path: target, name: target}})
		s.tmpfs = append(s.tmpfs, placed[deployer.Tmpfs]{is: deployer.Tmpfs{Target: fmt.Sprintf("/t/%d", i)}})
	}
	s.files = append(s.files, fileDraft{File: deployer.File{Target: "/d/7/x"}, at: value{name: "/d/7/x"}}, fileDraft{File: deployer.File{Target: "/t/7"}, at: value{name: "/t/7"}})
	if s.checkFiles(r); len(r.problems) != 2 {
		t.Errorf("got %d problems, want those of the last two", len(r.problems))
	}
}

// TestOneFileOfVariablesManyTimes would not end for minutes if it were read anew each time.
func TestOneFileOfVariablesManyTimes(t *testing.T) {
	read := 0
	r := &reader{budget: maxBorrowed, files: map[string]fileRead{}, envFiles: map[string]envFile{}, read: func(string, string) ([]byte, error) {
		read++
		return []byte(strings.Repeat("#\n", MaxSize/2)), nil
	}}
	var got map[string]Secret
	for range maxBorrowed {
		envFiles{&got}.load(r, value{node: &yaml.Node{Kind: yaml.ScalarNode, Value: "f"}})
	}
	if read != 1 || len(r.problems) > 0 {
		t.Errorf("read %d times, with %v", read, r.problems)
	}
}
