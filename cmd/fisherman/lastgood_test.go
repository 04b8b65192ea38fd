package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLastGoodConfigurationIsKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, lastGoodFile)
	if _, err := recall(dir, "s3://b/k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is one: %v", err)
	}
	for _, text := range []string{"", "services: { web: {} }", "a: ${SECRET}\n", "# sha256: x\nb: ü\n\n"} {
		if err := keepLastGood(dir, "s3://b/k", []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := recall(dir, "s3://b/k")
		if err != nil || string(got.raw) != text {
			t.Errorf("kept %q, got %q, %v", text, got.raw, err)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("it has mode %v, %v", info.Mode(), err)
	}
	if _, err := recall(dir, "/etc/other.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of another location: %v", err)
	}
}

func TestADamagedCopyIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, lastGoodFile)
	if err := keepLastGood(dir, "s3://b/k", []byte("services: {}\n")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]string{
		"empty": "", "cut in its head": string(whole[:60]), "cut at its end": string(whole[:len(whole)-2]),
		"edited": strings.Replace(string(whole), "services", "service", 1), "of another kind": "services: {}\n",
	} {
		if err := os.WriteFile(file, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := recall(dir, "s3://b/k"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if err := keepLastGood(dir, "s3://b/k", []byte("services: {}\n")); err != nil {
			t.Errorf("%s is not replaced: %v", name, err)
		}
		if _, err := recall(dir, "s3://b/k"); err != nil {
			t.Errorf("%s was not replaced: %v", name, err)
		}
	}
}
