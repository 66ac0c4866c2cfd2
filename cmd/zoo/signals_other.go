//go:build !unix

package main

import (
	"os"
	"syscall"
)

// endings are the signals that end the program after it has saved.
func endings() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }
