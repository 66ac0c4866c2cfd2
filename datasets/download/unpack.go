package download

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// maxEntries is the most files and folders that an archive may have.
const maxEntries = 10000

// unpack writes the files of a .tar.gz, at most limit bytes of them, below a folder. Everything but files and
// folders is refused, and so is a name that leads elsewhere or comes twice.
func unpack(ctx context.Context, archive, dir string, limit int64) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	return extract(ctx, bufio.NewReaderSize(in, 1<<20), dir, limit, true)
}

// extract is unpack from a stream. What is not durable may be lost by a power cut, and takes no time to reach the disk.
func extract(ctx context.Context, in io.Reader, dir string, limit int64, durable bool) error {
	packed, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("not a gzip file: %w", err)
	}
	root, err := os.OpenRoot(dir) // a second wall: no path within it can lead outside
	if err != nil {
		return err
	}
	defer root.Close()

	// Headers and padding are at most 1.5 KiB an entry, unless someone wants to fill the memory.
	bounded := &boundedReader{ctx: ctx, r: packed, left: limit + 1<<20, limit: limit}
	t := tar.NewReader(bounded)
	left := limit
	for entries := 0; ; entries++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if entries == maxEntries {
			return fmt.Errorf("archive: more than %d files", maxEntries)
		}
		name := filepath.FromSlash(path.Clean(h.Name))
		if !filepath.IsLocal(name) || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return fmt.Errorf("archive: %q leads out of its folder", h.Name)
		}
		switch h.Typeflag {
		case tar.TypeXGlobalHeader:
		case tar.TypeDir:
			if err := root.MkdirAll(name, 0o777); err != nil {
				return err
			}
		case tar.TypeReg:
			if h.Size > left {
				return fmt.Errorf("archive: %s: more than %d bytes in all", h.Name, limit)
			}
			left -= h.Size
			if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				return err
			}
			if err := write(root, name, t, durable); err != nil {
				return fmt.Errorf("archive: %s: %w", h.Name, err)
			}
		default:
			return fmt.Errorf("archive: %q is neither a file nor a folder (tar type %q)", h.Name, h.Typeflag)
		}
	}
	// To the end, where the checksum of gzip is.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// write makes a new file.
func write(root *os.Root, name string, from io.Reader, durable bool) error {
	out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	if err == nil && durable {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// copyFile makes a new file with the bytes of another.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	root, err := os.OpenRoot(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer root.Close()
	return write(root, filepath.Base(to), in, true)
}

// A boundedReader fails after a number of bytes, or when it is interrupted.
type boundedReader struct {
	ctx         context.Context
	r           io.Reader
	left, limit int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("unpacks to more than %d bytes", b.limit)
	}
	return n, err
}
