package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// seat is a person at a terminal on which a program runs.
type seat struct {
	*process
	keyboard *os.File // the other end of the pseudo-terminal (pty(7))
	screen   *screen
	gone     chan struct{} // closed when nothing is shown any more
}

// sit starts a program on a terminal of a size such as "120x30".
func sit(in world, size string, program string, args ...string) (*seat, error) {
	columns, rows, err := parseSize(size)
	if err != nil {
		return nil, err
	}
	keyboard, tty, err := openTerminal()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	s := &seat{keyboard: keyboard, screen: newScreen(columns, rows), gone: make(chan struct{})}
	if err := s.resize(size); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	if program == "fisherman" {
		if path, err := lookPath(in.Getenv("PATH")); err == nil {
			cmd.Path, cmd.Err = path, nil
		}
	}
	cmd.Dir, cmd.Env = in.MkAbs("."), append(environ(in), "TERM=xterm-256color")
	for _, name := range []string{"FISHERMAN_SERVER", "TERM", "NO_COLOR"} {
		if value := in.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.process = &process{cmd: cmd, output: &output{}, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_ = cmd.Wait() // its exit code is in ProcessState
	}()
	go func() {
		defer close(s.gone)
		_, _ = io.Copy(io.MultiWriter(s.screen, s.output), keyboard) // until nobody has the terminal open any more (EIO)
	}()
	return s, nil
}

func (s *seat) resize(size string) error {
	columns, rows, err := parseSize(size)
	if err != nil {
		return err
	}
	s.screen.resize(columns, rows)
	return unix.IoctlSetWinsize(int(s.keyboard.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)})
}

func (s *seat) rise() {
	s.kill()
	<-s.gone
	_ = s.keyboard.Close()
}

func parseSize(size string) (columns, rows int, err error) {
	w, h, _ := strings.Cut(size, "x")
	if columns, err = strconv.Atoi(w); err == nil {
		rows, err = strconv.Atoi(h)
	}
	return columns, rows, err
}

// openTerminal returns both ends of a new pseudo-terminal.
func openTerminal() (keyboard, tty *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	keyboard = os.NewFile(uintptr(fd), "/dev/ptmx")
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = keyboard.Close()
		return nil, nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	return keyboard, tty, nil
}
