package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small is a file of a few hundred bytes with all kinds of bytes in it.
func small() *File {
	f := sample()
	f.Tensors = slices.Delete(f.Tensors, 2, 3)
	f.Tensors[0] = Tensor{"features.0.weight", []int{2, 2}, []float32{1, -2, 0, 0.25}}
	return f
}

// A fault of the disk flips a bit: no file with one is read, wherever it is.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"of a file of F32": func(b *bytes.Buffer) error { return Write(b, small()) },
		"of a file of F16": func(b *bytes.Buffer) error {
			f := small()
			f.Tensors = f.Tensors[:3]
			return WriteHalf(b, f)
		},
		"of a file without metadata": func(b *bytes.Buffer) error { return Write(b, &File{Tensors: small().Tensors}) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			whole := b.Bytes()
			if _, err := mustOpen(t, whole).ReadAll(); err != nil {
				t.Fatal(err)
			}
			for i := range whole {
				for bit := range 8 {
					whole[i] ^= 1 << bit
					r, err := openBytes(whole)
					if err == nil {
						_, err = r.ReadAll()
					}
					if err == nil {
						t.Fatalf("bit %d of byte %d of %d is read as if nothing had happened", bit, i, len(whole))
					}
					whole[i] ^= 1 << bit
				}
			}
		})
	}
}

func TestChecksumsAreSHA256(t *testing.T) {
	b := mustWrite(t, small())
	n := 8 + binary.LittleEndian.Uint64(b)
	_, meta, err := parseHeader(b[8:n], int64(len(b))-int64(n))
	if err != nil {
		t.Fatal(err)
	}
	data := sha256.Sum256(b[n:])
	if meta["zoo.sha256"] != hex.EncodeToString(data[:]) {
		t.Errorf("zoo.sha256 is %s, should be %x", meta["zoo.sha256"], data)
	}
	header := sha256.Sum256(bytes.Replace(b[:n], []byte(meta["zoo.header_sha256"]), bytes.Repeat([]byte("0"), 64), 1))
	if meta["zoo.header_sha256"] != hex.EncodeToString(header[:]) {
		t.Errorf("zoo.header_sha256 is %s, should be %x", meta["zoo.header_sha256"], header)
	}
	if extra := mustOpen(t, b).Meta().Extra; len(extra) != len(small().Meta.Extra) {
		t.Errorf("the metadata has the extra keys %v", extra)
	}
}

func TestAWrongChecksumNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "best.safetensors")
	b := mustWrite(t, sample())
	b[len(b)-1] ^= 0x10
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	want := path + ": the tensors were changed since it was written"
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, read := range map[string]func() error{
		"reading all": func() error { _, err := r.ReadAll(); return err },
		"reading one": func() error { return r.ReadTensor("a.scalar", make([]float32, 1)) },
		"reading one of many": func() error {
			return r.ReadInto(func(name string, _ []int) []float32 { return map[string][]float32{"a.scalar": {0}}[name] })
		},
	} {
		if err := read(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

// A header's checksum that is no checksum, wherever the header ends, is a fault.
func TestAShortChecksumOfTheHeaderIsRefused(t *testing.T) {
	for _, digits := range []int{0, 1, 30, 60, 63, 64} {
		header := `{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"__metadata__":{"zoo.sha256":"` + strings.Repeat("0", 64) + `","zoo.header_sha256":"` + strings.Repeat("0", digits) + `"}}`
		if _, err := openBytes(raw(header)); err == nil || !strings.Contains(err.Error(), "the header was changed since it was written") {
			t.Errorf("%d digits: error %v", digits, err)
		}
	}
}

// Files of before, and of other programs, have none.
func TestAFileWithoutChecksumsIsRead(t *testing.T) {
	f, err := mustOpen(t, raw(`{"__metadata__":{"zoo.network":"lenet5"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 128, 63)).ReadAll()
	if err != nil || f.Meta.Network != "lenet5" || f.Tensors[0].Data[0] != 1 {
		t.Errorf("%+v, error %v", f, err)
	}
}

func TestAZipWithABadChecksumIsRefused(t *testing.T) {
	for _, record := range []struct{ name, find string }{
		{"a storage", eightFloats},
		{"the pickle", "_rebuild_tensor"},
	} {
		t.Run(record.name, func(t *testing.T) {
			b := zipOf(t, pickled(pDict(pString("w"), pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{8}, []int64{1}))), eightFloats)
			if _, err := mustOpen(t, b).ReadAll(); err != nil {
				t.Fatal(err)
			}
			b[bytes.Index(b, []byte(record.find))+3] ^= 4
			r, err := openBytes(b)
			if err == nil {
				err = r.ReadTensor("w", make([]float32, 8))
			}
			if err == nil || !strings.Contains(err.Error(), "CRC-32") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// PyTorch can be told not to compute them: torch.serialization.set_crc32_options(False).
func TestAZipWithoutChecksumsIsRead(t *testing.T) {
	b := zipOf(t, pickled(pDict(pString("w"), pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{8}, []int64{1}))), eightFloats)
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("PK\x01\x02")) // of the central directory
		if i < 0 {
			break
		}
		at += i + 4
		clear(b[at+12 : at+16])
	}
	for at := 0; ; { // data descriptors
		i := bytes.Index(b[at:], []byte("PK\x07\x08"))
		if i < 0 {
			break
		}
		at += i + 4
		clear(b[at : at+4])
	}
	if _, err := mustOpen(t, b).ReadAll(); err != nil {
		t.Error(err)
	}
}
