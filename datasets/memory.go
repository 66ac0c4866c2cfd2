package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Memory is a source whose images, all of one shape, are held in memory.
type Memory struct {
	info   Info
	pix    []uint8
	labels []int32
	sum    func() string
}

// NewMemory makes a source of len(labels) images of info.Shape, whose pixels N×C×H×W it keeps: they
// must not change any more.
func NewMemory(info Info, pix []uint8, labels []int32) (*Memory, error) {
	if min(info.Shape.C, info.Shape.H, info.Shape.W) < 1 {
		return nil, fmt.Errorf("%v: image shape %v: every dimension must be at least 1", info, info.Shape)
	}
	if want := len(labels) * info.Shape.Len(); len(pix) != want {
		return nil, fmt.Errorf("%v: %d bytes of pixels for %d labels of %v images: should be %d", info, len(pix), len(labels), info.Shape, want)
	}
	for i, l := range labels {
		if l < 0 || int(l) >= len(info.Classes) {
			return nil, fmt.Errorf("%v: label %d of image %d: should be 0 to %d", info, l, i, len(info.Classes)-1)
		}
	}
	info.Classes, info.Mean, info.Std = slices.Clone(info.Classes), slices.Clone(info.Mean), slices.Clone(info.Std)
	m := &Memory{info: info, pix: pix, labels: slices.Clone(labels)}
	m.sum = sync.OnceValue(m.checksum)
	return m, nil
}

// Info returns what is known of the source.
func (m *Memory) Info() Info { return m.info }

// Len returns the number of images.
func (m *Memory) Len() int { return len(m.labels) }

// Label returns the class of image i.
func (m *Memory) Label(i int) int {
	if within(m, i) != nil {
		return -1
	}
	return int(m.labels[i])
}

// Image copies image i to dst.
func (m *Memory) Image(i int, dst *image.Image) error {
	if err := within(m, i); err != nil {
		return err
	}
	n := m.info.Shape.Len()
	dst.Reset(m.info.Shape)
	copy(dst.Pix, m.pix[i*n:(i+1)*n])
	return nil
}

// Checksum is the SHA-256 of the shape, the labels and the pixels, whatever files they came from.
func (m *Memory) Checksum() (string, error) { return m.sum(), nil }

func (m *Memory) checksum() string {
	h := sha256.New()
	var head []byte
	for _, v := range []int{len(m.labels), m.info.Shape.C, m.info.Shape.H, m.info.Shape.W} {
		head = binary.LittleEndian.AppendUint64(head, uint64(v))
	}
	for _, l := range m.labels {
		head = binary.LittleEndian.AppendUint32(head, uint32(l))
	}
	h.Write(head)
	h.Write(m.pix)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
