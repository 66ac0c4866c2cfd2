package onnx

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// The checksums of a file that this package wrote are in its metadata properties, under the keys of the checksums of
// weights files: that of the graph, in which the weights are, and that of what stands around it, the first checksum
// included. A file that has one of them alone was changed too: no single fault makes one with checksums one without.
const (
	graphSumKey = "zoo.sha256"
	restSumKey  = "zoo.header_sha256"
)

// producer is the name under which we write. A program that changes a file on purpose puts its own there, and is believed.
const producer = "gorgonia-zoo"

var errChanged = errors.New("changed since the file was written (a bad disk or a broken copy; a program that changes it on purpose should name itself as " +
	"the producer, or leave out " + graphSumKey + " and " + restSumKey + ")")

// restSum sums up what stands around a graph: the version of the operators and the properties, but for the sum itself.
func restSum(opset int, properties map[string]string) string {
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		io.WriteString(h, s)
	}
	text(fmt.Sprint(opset))
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		if key != restSumKey {
			text(key)
			text(properties[key])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sum is the checksum of a message's bytes.
func (m *message) sum() (string, error) {
	h := sha256.New()
	err := m.writeTo(h)
	return hex.EncodeToString(h.Sum(nil)), err
}

// addSums adds the checksums to the properties of a file.
func addSums(g *message, opset int, properties map[string]string) error {
	sum, err := g.sum()
	if err != nil {
		return err
	}
	properties[graphSumKey] = sum
	properties[restSumKey] = restSum(opset, properties)
	return nil
}

// check holds a file of ours to its checksums, if it has some.
func (d *decoder) check(by string) error {
	graph, hasGraph := d.properties[graphSumKey]
	rest, hasRest := d.properties[restSumKey]
	switch {
	case by != producer || !hasGraph && !hasRest:
		return nil
	case !hasGraph || !hasRest || rest != restSum(d.m.Opset, d.properties):
		return fmt.Errorf("the metadata were %w", errChanged)
	case graph != hex.EncodeToString(d.graphSum):
		return fmt.Errorf("the graph or its weights were %w", errChanged)
	}
	return nil
}

// A source is the file that a stream reads. While it has a sum, it adds to it what is read.
type source struct {
	*bufio.Reader
	sum hash.Hash
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if s.sum != nil {
		s.sum.Write(p[:n])
	}
	return n, err
}

// Discard leaves out bytes that were peeked.
func (s *source) Discard(n int) (int, error) {
	if s.sum != nil {
		peeked, err := s.Peek(n)
		if err != nil {
			return 0, err
		}
		s.sum.Write(peeked)
	}
	return s.Reader.Discard(n)
}
