package source

import (
	"io/fs"
	"syscall"
)

// identify returns what the kernel alone sets: which file it is, and when anything about it changed last, whatever a program
// does to its time of modification.
func identify(info fs.FileInfo) (id identity) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		id.device, id.inode, id.touched = s.Dev, s.Ino, s.Ctim.Nano()
	}
	return id
}
