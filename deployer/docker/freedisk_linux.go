package docker

import "syscall"

// freeDisk is what an unprivileged process may still write at a path, in bytes, as df shows it. Docker itself may use the
// part that is reserved for root; an app that logs may not.
func freeDisk(path string) (free int64, seen bool) {
	var fs syscall.Statfs_t
	if path == "" || syscall.Statfs(path, &fs) != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true
}
