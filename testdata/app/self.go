package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// self is what a process can tell of what it was given.
type self struct {
	Args         []string
	UID, GID     int
	Capabilities string            // that it or a child could have, in hexadecimal
	Hosts        string            // /etc/hosts
	Wrote        map[string]string // by path: empty, or why it could not be written
	Size         map[string]uint64 // by path: bytes of its file system
}

// whoami answers what this process is; with ?write=PATH, whether it may write there.
func whoami(w http.ResponseWriter, r *http.Request) {
	status, _ := os.ReadFile("/proc/self/status")
	hosts, _ := os.ReadFile("/etc/hosts")
	_, bounding, _ := strings.Cut(string(status), "CapBnd:")
	bounding, _, _ = strings.Cut(bounding, "\n")
	me := self{
		Args: os.Args, UID: os.Getuid(), GID: os.Getgid(), Capabilities: strings.TrimSpace(bounding), Hosts: string(hosts),
		Wrote: map[string]string{}, Size: map[string]uint64{},
	}
	for _, dir := range r.URL.Query()["write"] {
		me.Wrote[dir] = ""
		if err := os.WriteFile(dir+"/written", []byte("x"), 0o600); err != nil {
			me.Wrote[dir] = err.Error()
		}
		var fs syscall.Statfs_t
		if err := syscall.Statfs(dir, &fs); err == nil {
			me.Size[dir] = fs.Blocks * uint64(fs.Bsize)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(me)
}
