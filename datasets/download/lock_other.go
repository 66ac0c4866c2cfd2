//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package download

import (
	"fmt"
	"os"
)

// lock makes a file that is removed at the end. A program that is killed leaves it.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o666)
	if os.IsExist(err) {
		return nil, fmt.Errorf("%w, or one that was killed left %s: remove it", ErrBusy, path)
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return func() { os.Remove(path) }, nil
}
