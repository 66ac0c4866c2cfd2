package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archive makes a .tar.gz; a file's content is as long as its header says.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for _, h := range headers {
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(content(1 + int(h.Size)/shape.Len())[:h.Size]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func reg(name string, size int64) tar.Header {
	return tar.Header{Name: name, Size: size, Typeflag: tar.TypeReg}
}

func TestUnpackRefusesWhatAnArchiveShouldNotHave(t *testing.T) {
	link := tar.Header{Name: "link", Linkname: "..", Typeflag: tar.TypeSymlink}
	good := archive(t, reg("a", 100), reg("b", 100))
	damaged := bytes.Clone(good)
	damaged[len(damaged)-5] ^= 1 // gzip's checksum
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 40 {
		if _, err := z.Write(make([]byte, 1<<16)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		err  string
	}{
		{"a name above", archive(t, reg("../evil", 1)), `"../evil" leads out of its folder`},
		{"a name that goes down and up", archive(t, reg("a/../../evil", 1)), "leads out of its folder"},
		{"an absolute name", archive(t, reg("/evil", 1)), `"/evil" leads out of its folder`},
		{"a folder above", archive(t, tar.Header{Name: "../evil/", Typeflag: tar.TypeDir}), "leads out of its folder"},
		{"a link", archive(t, link, reg("link/evil", 1)), `"link" is neither a file nor a folder`},
		{"a hard link", archive(t, tar.Header{Name: "evil", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}), "neither a file nor a folder"},
		{"a device", archive(t, tar.Header{Name: "evil", Typeflag: tar.TypeChar}), "neither a file nor a folder"},
		{"a file twice", archive(t, reg("a", 1), reg("./a", 1)), "archive: ./a: "},
		{"a file too large", archive(t, reg("a", 1001)), "a: more than 1000 bytes in all"},
		{"files too large together", archive(t, reg("a", 600), reg("b", 401)), "b: more than 1000 bytes in all"},
		{"bytes without end after the files", append(bytes.Clone(good), bomb.Bytes()...), "unpacks to more than 1000 bytes"},
		{"a damaged end", damaged, "gzip: invalid checksum"},
		{"half of it", good[:len(good)/2], "unexpected EOF"},
		{"no archive", []byte("<html>"), "not a gzip file"},
		{"gzip of something else", pack(t, bytes.Repeat([]byte("x"), 2000)), "archive: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			outer := t.TempDir()
			path, dir := filepath.Join(outer, "archive"), filepath.Join(outer, "inner")
			if err := os.WriteFile(path, c.data, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := unpack(t.Context(), path, dir, 1000); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: should say %q", err, c.err)
			}
			all, err := os.ReadDir(outer)
			if err != nil || len(all) != 2 {
				t.Errorf("%v outside of the folder (%v)", all, err)
			}
			if _, err := os.Lstat(filepath.Join(dir, "evil")); err == nil {
				t.Error("evil was written")
			}
		})
	}
}

func pack(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// FuzzUnpack holds that an archive writes files and folders alone, all below its folder, and no more than
// the limit. The bytes are those within gzip.
func FuzzUnpack(f *testing.F) {
	for _, headers := range [][]tar.Header{
		{reg("a", 100), {Name: "b/", Typeflag: tar.TypeDir}, reg("b/c", 10)},
		{{Name: "link", Linkname: "..", Typeflag: tar.TypeSymlink}, reg("link/evil", 1)},
		{reg("../evil", 1)},
		{reg("a", 600), reg("b", 500)},
	} {
		z, err := gzip.NewReader(bytes.NewReader(archive(f, headers...)))
		if err != nil {
			f.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	temp := "/dev/shm" // in memory, where there is such a folder
	if _, err := os.Stat(temp); err != nil {
		temp = f.TempDir()
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		const limit = 1000
		outer, err := os.MkdirTemp(temp, "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(outer)
		dir := filepath.Join(outer, "inner")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.NoCompression)
		z.Write(plain)
		z.Close()
		_ = extract(t.Context(), &packed, dir, limit, false)
		if all, err := os.ReadDir(outer); err != nil || len(all) != 1 {
			t.Errorf("%v outside of the folder (%v)", all, err)
		}
		total := int64(0)
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !d.Type().IsRegular() {
				t.Errorf("%s is %v", path, d.Type())
			}
			info, err := d.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		})
		if err != nil || total > limit {
			t.Errorf("%d bytes, error %v: should be at most %d", total, err, limit)
		}
	})
}

func TestUnpackEndsWhenItIsInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, archive(t, reg("a", 100)), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := unpack(ctx, path, t.TempDir(), 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v: should be that of the context", err)
	}
}

func TestGetUnpacksAnArchive(t *testing.T) {
	train, test := reg("train.bin", 4*int64(shape.Len())), reg("./test.bin", int64(shape.Len()))
	notes := reg("notes/readme.txt", 10)
	data := archive(t, train, tar.Header{Name: "notes/", Typeflag: tar.TypeDir}, notes, test)
	f := file("toy.tar.gz", data)
	f.Unpacked = train.Size + test.Size + notes.Size
	set := Set{Name: "toy", Files: []File{f}}
	set.Mirrors, _ = serve(t, map[string][]byte{"toy.tar.gz": data}, cut(3000))
	r, err := set.Get(t.Context(), quick(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.Dir, "train.bin"))
	if err != nil || !bytes.Equal(got, content(4)) {
		t.Errorf("%d bytes, error %v: not what was packed", len(got), err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "notes", "readme.txt")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "toy.tar.gz")); err == nil {
		t.Error("the archive takes room beside what it holds")
	}

	set.Files[0].Unpacked--
	_, err = set.Get(t.Context(), Options{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "bytes in all") {
		t.Errorf("error %v: should be that of an archive that holds too much", err)
	}
}
