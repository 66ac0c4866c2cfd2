package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// lockFile is locked by the process that works in a run's folder, and holds its number. It stays when the process
// ends, in whatever way: the system takes the lock away.
const lockFile = "lock"

// An InUseError says that another process works in a run's folder.
type InUseError struct {
	Folder  string
	Process int // 0 if it is not known
}

func (e *InUseError) Error() string {
	if e.Process == 0 {
		return e.Folder + ": in use by another process"
	}
	return fmt.Sprintf("%s: in use by process %d: wait until it ends, or end it, as with kill %[2]d: it saves first", e.Folder, e.Process)
}

// Lock takes a run's folder for this process, until the function that it returns is called. On file systems that
// have no locks it does nothing.
func Lock(folder string) (unlock func(), err error) {
	path := filepath.Join(folder, lockFile)
	l := flock.New(path)
	got, err := l.TryLock()
	if err != nil {
		if os.IsPermission(err) {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		return func() {}, nil
	}
	if !got {
		e := &InUseError{Folder: folder}
		if text, err := weights.ReadSmall(path, 1<<10); err == nil {
			e.Process, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return nil, e
	}
	// What cannot be written changes nothing: the lock counts.
	os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o666)
	return func() { l.Unlock() }, nil
}
