package baduk

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxFile bounds a file of games, and what one packed in a zip may unpack to.
const maxFile = 256 << 20

// Open reads the games of files, of zips of files, and of folders with the folders in them, whose
// files are taken in the order of their names. In zips and folders only files that end in .sgf are looked
// at, and zips in folders. What cannot be read is a nil game with an error, and the rest follows. One file is in
// memory at a time. A pipe is read if somebody writes into it; devices are refused.
func Open(paths ...string) iter.Seq2[*Game, error] {
	return func(yield func(*Game, error) bool) {
		for _, path := range paths {
			if !open(path, yield) {
				return
			}
		}
	}
}

func open(path string, yield func(*Game, error) bool) bool {
	info, err := os.Stat(path)
	if err != nil {
		return yield(nil, err)
	}
	if !info.IsDir() {
		return openFile(path, yield)
	}
	more := true
	found := false
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch ending := strings.ToLower(filepath.Ext(name)); {
		case err != nil:
			more = yield(nil, err)
		case d.Type().IsRegular() && (ending == ".sgf" || ending == ".zip"):
			found = true
			more = openFile(name, yield)
		}
		if !more {
			return fs.SkipAll
		}
		return nil
	})
	switch {
	case !more:
		return false
	case err != nil:
		return yield(nil, err)
	case !found:
		return yield(nil, fmt.Errorf("%s: no .sgf or .zip file in the folder", path))
	}
	return true
}

func openFile(path string, yield func(*Game, error) bool) bool {
	// A device may have no end, and a pipe no writer to wait for.
	info, err := os.Stat(path)
	piped := err == nil && info.Mode().Type() == fs.ModeNamedPipe
	if err == nil && !piped && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return yield(nil, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return yield(nil, err)
	}
	defer f.Close()
	magic := make([]byte, 4)
	if n, _ := f.ReadAt(magic, 0); n == 4 && (bytes.Equal(magic, []byte("PK\x03\x04")) || bytes.Equal(magic, []byte("PK\x05\x06"))) {
		return unzip(path, f, info.Size(), yield)
	}
	if !piped {
		return parseFrom(path, f, yield)
	}
	in := bufio.NewReader(f)
	if _, err := in.Peek(1); err == io.EOF {
		return yield(nil, fmt.Errorf("%s: a pipe that nobody writes into", path))
	}
	return parseFrom(path, in, yield)
}

// unzip reads the files of an archive.
func unzip(path string, r io.ReaderAt, size int64, yield func(*Game, error) bool) bool {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return yield(nil, fmt.Errorf("%s: %w", path, err))
	}
	for _, file := range archive.File {
		if !strings.EqualFold(filepath.Ext(file.Name), ".sgf") {
			continue
		}
		name := path + "/" + file.Name
		f, err := file.Open()
		if err != nil {
			if !yield(nil, fmt.Errorf("%s: %w", name, err)) {
				return false
			}
			continue
		}
		more := parseFrom(name, f, yield)
		f.Close()
		if !more {
			return false
		}
	}
	return true
}

// noText reports whether a file begins as no text does, in UTF-8 or an encoding of its kind, or in UTF-16 with its mark.
func noText(data []byte) bool {
	head := inUTF8(data[:min(len(data), 512)])
	return bytes.IndexByte(head, 0) >= 0
}

// parseFrom reads one file's games; those before a place where it cannot be read are kept.
func parseFrom(name string, r io.Reader, yield func(*Game, error) bool) bool {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if len(data) > maxFile {
		return yield(nil, fmt.Errorf("%s: more than %d MiB", name, maxFile>>20))
	}
	if noText(data) {
		return yield(nil, fmt.Errorf("%s: no game in the file: it is no text", name))
	}
	games := 0
	for g, err := range Parse(name, data) {
		games++
		if !yield(g, err) {
			return false
		}
	}
	if err == nil && games == 0 {
		err = errors.New("no game in the file")
	}
	if err != nil {
		return yield(nil, fmt.Errorf("%s: %w", name, err))
	}
	return true
}
