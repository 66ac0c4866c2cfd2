package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The checksums of a file are in its metadata: that of the data, and that of
// the header, which covers the first. A header that says one and not the other
// was changed too: no single fault can make a file with checksums one without.
const (
	dataSumKey   = "zoo.sha256"
	headerSumKey = "zoo.header_sha256"
)

// noSum stands for a header's checksum while it is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

var errChanged = errors.New("changed since it was written (a bad disk or a broken copy; " +
	"if a program changed it on purpose, it should leave out " + dataSumKey + " and " + headerSumKey + ")")

// headerSum sums up the length and the header of a file with its own checksum
// as noSum, and tells where that is; at is -1 if it has none.
func headerSum(raw []byte) (sum []byte, at int) {
	const key = `"` + headerSumKey + `":"`
	before, rest, ok := bytes.Cut(raw, []byte(key))
	if !ok || len(rest) < len(noSum) {
		return nil, -1
	}
	at = len(before) + len(key)
	h := sha256.New()
	h.Write(raw[:at])
	io.WriteString(h, noSum)
	h.Write(rest[len(noSum):])
	return h.Sum(nil), at
}

// checkHeader holds the length and the header of a file to their checksum, and
// returns that of the data; nothing if the file has none.
func checkHeader(raw []byte, meta map[string]string) (dataSum string, err error) {
	data, hasData := meta[dataSumKey]
	header, hasHeader := meta[headerSumKey]
	if !hasData && !hasHeader {
		return "", nil
	}
	sum, at := headerSum(raw)
	if !hasData || !hasHeader || at < 0 || header != hex.EncodeToString(sum) {
		return "", fmt.Errorf("the header was %w", errChanged)
	}
	return data, nil
}

// compareData holds the bytes from start to end to their checksum.
func compareData(src io.ReaderAt, start, end int64, want string) error {
	h := sha256.New()
	n, err := io.CopyBuffer(h, io.NewSectionReader(src, start, end-start), make([]byte, chunk))
	if err != nil {
		return err
	}
	if n < end-start {
		return errShrunk(start + n)
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return fmt.Errorf("the tensors were %w", errChanged)
	}
	return nil
}
