package weights

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ReadSmall reads a file of at most so many bytes whole: a configuration, a list, a table. It never waits for somebody
// to open the other end of a pipe: a pipe has to have a writer, as a shell's <(command) has. Devices, which may have no
// end, are refused.
func ReadSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	kind := info.Mode().Type()
	switch {
	case kind == fs.ModeDir:
		return nil, fmt.Errorf("%s: a folder: a file is needed", path)
	case kind != 0 && kind != fs.ModeNamedPipe:
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%s: more than %d MB: too large for what it should be", path, most>>20)
	case len(text) == 0 && kind == fs.ModeNamedPipe:
		return nil, fmt.Errorf("%s: a pipe that nobody writes into", path)
	}
	return text, nil
}
