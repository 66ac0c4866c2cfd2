//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// endings are the signals that end the program after it has saved: Ctrl-C, kill, and the end of the terminal unless
// nohup has it ignored. That a reader is gone, or a file as large as it may be, is no signal but an error of writing.
func endings() []os.Signal {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}
