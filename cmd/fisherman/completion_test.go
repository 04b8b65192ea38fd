package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fisherman/server"
)

// inShells are what a person does who presses Tab after a line, in each shell; it prints what is proposed. The packages
// bash-completion, zsh and fish are in the Makefile's line for tests.
func inShells() map[string]string {
	return map[string]string{
		"bash": `. /usr/share/bash-completion/bash_completion
. ./completion
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"$LINE"
[ "${LINE: -1}" != ' ' ] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; } # outside of a completion there is none
__start_fisherman
printf '%s\n' "${COMPREPLY[@]}"`,
		"fish": `source ./completion
complete --do-complete "$LINE"`,
		"zsh": `zmodload zsh/zpty
zpty shell "TERM=dumb PS1= PROMPT= zsh -fi"
zpty -w shell "cd $PWD; unsetopt zle_bracketed_paste; autoload -U compinit && compinit -u -d ./dump; . ./completion; compdef _fisherman fisherman; zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' select-prompt ''; echo pre''pared"
zpty -r shell seen '*prepared*'
zpty -w -n shell "$LINE"$'\t'
zpty -r shell seen "*$WANT*"
print -r -- "$seen"
zpty -d shell`,
	}
}

// TestCompletionInShells completes services and what can be cancelled, in real shells, by the real binary.
func TestCompletionInShells(t *testing.T) {
	const waiting, live = "01JDQ8K3V7Z9X2M4N6P8R0T1V4", "01JDQ8K3V7Z9X2M4N6P8R0T1V3"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = []server.Service{{Name: "blackboards", State: "running"}}
		if strings.HasSuffix(r.URL.Path, "/deployments") {
			answer = []server.Deployment{{ID: waiting, Service: "web", State: "waiting"}, {ID: live, Service: "web", State: "succeeded"}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer s.Close()
	for shell, script := range inShells() {
		for line, want := range map[string]string{"fisherman stat": "status", "fisherman deploy black": "blackboards", "fisherman cancel 01": waiting} {
			t.Run(shell+" "+line, func(t *testing.T) {
				got := completed(t, shell, script, "LINE="+line, "WANT="+want, "FISHERMAN_SERVER="+s.URL)
				if !strings.Contains(got, want) || strings.Contains(got, live) {
					t.Errorf("proposed %q, want %s", got, want)
				}
			})
		}
	}
}

// completed is what a shell proposes.
func completed(t *testing.T, shell, script string, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "fisherman") // run as that, the test binary is the program
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(slices.Clip(os.Environ()), append(env, "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "FISHERMAN_TOKEN=t")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v (make test installs bash-completion, zsh and fish)\n%s", name, err, out)
		}
		return string(out)
	}
	if err := os.WriteFile(filepath.Join(dir, "completion"), []byte(run(program, "completion", shell)), 0o600); err != nil {
		t.Fatal(err)
	}
	return run(shell, "-c", script)
}
