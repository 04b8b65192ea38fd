//go:build !linux

package docker

// freeDisk sees nothing: only clients run elsewhere.
func freeDisk(string) (free int64, seen bool) { return 0, false }
