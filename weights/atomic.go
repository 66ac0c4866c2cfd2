package weights

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// WriteAtomically replaces the file at path with what write writes, or leaves
// everything as it was: the bytes go to a temporary file in the same folder
// (.zoo-….tmp), which is synced, renamed over path, and the folder synced. On
// an error or a panic of write, a full disk or a missing permission the old
// file is untouched and the temporary one removed.
//
// A new file gets the permissions that the umask leaves, an old one keeps its
// own. A symbolic link to a file is followed, so that the link stays; what is no
// regular file (a folder, a device, a pipe) is refused.
//
// It is not built on github.com/google/renameio, which (v2.0.2) leaves its
// functions out on Windows and does not sync the folder after the rename.
func WriteAtomically(path string, write func(io.Writer) error) (err error) {
	if path == "" {
		return errors.New("no file name to write to")
	}
	if write == nil {
		return fmt.Errorf("%s: not written: nothing says what", path)
	}
	target, perm := path, fs.FileMode(0)
	switch info, statErr := os.Stat(path); {
	case statErr == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a regular file: will not be replaced", path)
	case statErr == nil:
		perm = info.Mode().Perm()
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	case !errors.Is(statErr, fs.ErrNotExist):
		return statErr
	}
	folder := filepath.Dir(target)
	f, err := createTemp(folder)
	if err != nil {
		if _, missing := os.Stat(folder); errors.Is(missing, fs.ErrNotExist) {
			return fmt.Errorf("%s: not written: %w", path, missing)
		}
		return fmt.Errorf("%s: not written: no file can be made in %s: %w", path, folder, withoutPath(err, ""))
	}
	temp, done := f.Name(), false
	defer func() {
		if !done { // an error or a panic
			f.Close()
			os.Remove(temp)
		}
	}()
	if perm != 0 {
		if err := f.Chmod(perm); err != nil && runtime.GOOS != "windows" {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	w := bufio.NewWriterSize(f, 64<<10)
	for _, step := range []func() error{
		func() error { return write(w) }, w.Flush, f.Sync, f.Close,
		func() error { return os.Rename(temp, target) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("%s: not written: %w", path, withoutPath(err, temp))
		}
	}
	done = true
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("%s: written, but a power cut may undo it: %w", path, err)
	}
	return nil
}

// withoutPath is why something failed with a file that has a name of ours, or with any.
func withoutPath(err error, temp string) error {
	if of, ok := err.(*fs.PathError); ok && (of.Path == temp || temp == "") {
		return of.Err
	}
	return err
}

// createTemp is os.CreateTemp with the permissions of an ordinary new file.
func createTemp(folder string) (*os.File, error) {
	for {
		name := filepath.Join(folder, fmt.Sprintf(".zoo-%016x.tmp", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// syncFolder makes a rename last. Not every system and file system can do it;
// those that cannot are left to their own order.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) { // a folder that may be written but not read
			return nil
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
