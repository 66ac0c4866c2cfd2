package onnx

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// A Model is a network that was read from an ONNX file: its graph and its weights. It describes, and
// [Model.Build] builds, as often as wanted. Its methods are for one goroutine at a time.
type Model struct {
	Name            string  // of the graph
	Producer        string  // the program that wrote the file, with its version: "pytorch 1.13.1"
	Opset           int     // version of the standard operators
	Inputs, Outputs []Value // inputs are those that the file has no value for
	Meta            weights.Meta

	nodes   []*node // in an order in which each comes after what it reads
	tensors map[string]*tensor
	fixed   map[string]*tensor // inputs that [Model.Fix] was told of
	needed  map[string]bool    // tensors whose numbers the graph depends on, as a Build has seen
	uses    map[string]int     // how often a value is read, by nodes and as an output
}

// A Value is an input or output of a model.
type Value struct {
	Name  string
	Type  string   // of its elements: "float32"
	Shape []int    // -1 where the file leaves a side free; nil where it says nothing
	Sides []string // names of the free sides: "batch_size", and "" of the others
}

// A node is a use of an operator.
type node struct {
	name, op, domain string
	in, out          []string // "" where an optional one is left out
	attrs            map[string]*attribute
	captured         []string // what its branches read of the graph around it
}

// String names a node in messages.
func (n *node) String() string {
	switch {
	case n.name != "":
		return n.name
	case len(n.out) > 0 && n.out[0] != "":
		return n.op + " that gives " + n.out[0]
	}
	return n.op
}

// An attribute is a constant of a node.
type attribute struct {
	name   string
	typ    int64
	float  float32
	int    int64
	text   string
	tensor *tensor
	floats []float32
	ints   []int64
	graph  *branch
}

// Types of attributes that are read.
const (
	attrString = 3
	attrTensor = 4
	attrFloats = 6
)

// Load reads a model from a file. Tensors that the file keeps in other files beside it are read too;
// paths that lead out of its folder are an error. Errors name the file.
func Load(name string) (*Model, error) {
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() { // opening a pipe would wait for who writes into it
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	m, err := load(f, root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// LoadFS is [Load] from a file system such as an embed.FS.
func LoadFS(files fs.FS, name string) (*Model, error) {
	if files == nil {
		return nil, fmt.Errorf("%s: no file system to read it from", name)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := load(f, files, path.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func load(f fs.File, files fs.FS, dir string) (*Model, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file")
	}
	return read(f, info.Size(), files, dir)
}

// Read reads a model that has all its tensors in the same file.
func Read(r io.Reader) (*Model, error) {
	if r == nil {
		return nil, errors.New("there is nothing to read")
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return read(bytes.NewReader(data), int64(len(data)), nil, "")
}

func read(r io.Reader, size int64, files fs.FS, dir string) (*Model, error) {
	d := &decoder{
		m:     &Model{Opset: 1, tensors: map[string]*tensor{}, fixed: map[string]*tensor{}, needed: map[string]bool{}, uses: map[string]int{}},
		files: files, dir: dir, properties: map[string]string{},
	}
	if err := d.model(&stream{&source{Reader: bufio.NewReaderSize(r, 256<<10)}, size}); err != nil {
		return nil, err
	}
	if !d.graphed {
		return nil, fmt.Errorf("no ONNX model: it has no graph")
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.m, nil
}

// mostNodes is the most nodes of a graph, and mostValues the most inputs and the most outputs: a node takes
// two bytes in a file and a hundred times as much in memory.
const (
	mostNodes  = 1 << 20
	mostValues = 1 << 14
)

// A decoder reads a ModelProto. Field numbers are those of onnx.proto.
type decoder struct {
	m          *Model
	files      fs.FS
	dir        string
	graphed    bool
	graphSum   []byte // SHA-256 of the graph's bytes
	opset      bool
	inputs     []Value
	properties map[string]string
	nested     int // how deep the graph is that is being read
}

func (d *decoder) model(s *stream) error {
	by, version := "", ""
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch field {
		case 2:
			return s.within(typ, func(m *stream) error { b, err := m.bytes(); by = string(b); return err })
		case 3:
			return s.within(typ, func(m *stream) error { b, err := m.bytes(); version = string(b); return err })
		case 7:
			if d.graphed {
				return fmt.Errorf("it has two graphs")
			}
			d.graphed = true
			return s.within(typ, func(g *stream) error {
				g.r.sum = sha256.New()
				err := d.graph(g)
				d.graphSum, g.r.sum = g.r.sum.Sum(nil), nil
				return err
			})
		case 8:
			return s.within(typ, d.operators)
		case 14:
			return s.within(typ, func(e *stream) error {
				key, value, err := readEntry(e)
				d.properties[key] = value
				return err
			})
		}
		return s.skip(typ)
	})
	d.m.Producer = strings.TrimSpace(by + " " + version)
	if err != nil {
		return err
	}
	return d.check(by)
}

// operators reads which version of a set of operators the model wants.
func (d *decoder) operators(s *stream) error {
	domain, version := "", int64(0)
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch {
		case field == 1 && typ == protowire.BytesType:
			domain, err = s.text()
		case field == 2:
			version, err = s.int(typ)
		default:
			err = s.skip(typ)
		}
		return err
	})
	if standard(domain) {
		d.opset, d.m.Opset = true, int(min(max(version, 1), math.MaxInt32))
	}
	return err
}

// standard reports whether a domain is that of the standard operators.
func standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

func (d *decoder) graph(s *stream) error {
	return s.each(func(field protowire.Number, typ protowire.Type) error {
		switch field {
		case 1:
			return s.within(typ, func(m *stream) error { return d.node(&d.m.nodes, m) })
		case 2:
			return s.within(typ, func(m *stream) error { b, err := m.bytes(); d.m.Name = string(b); return err })
		case 5:
			return s.within(typ, func(m *stream) error {
				t, err := readTensor(m, d.files, d.dir)
				if err != nil {
					return err
				}
				return d.take(t)
			})
		case 11:
			return s.within(typ, func(m *stream) error { return readInto(&d.inputs, m) })
		case 12:
			return s.within(typ, func(m *stream) error { return readInto(&d.m.Outputs, m) })
		case 15:
			return fmt.Errorf("it has sparse tensors, which this program does not read")
		}
		return s.skip(typ)
	})
}

// take makes a tensor one of the model's.
func (d *decoder) take(t *tensor) error {
	if d.m.tensors[t.name] != nil {
		return fmt.Errorf("two tensors are called %q", t.name)
	}
	t.weight, t.source = isFloat(t.typ), t.name
	d.m.tensors[t.name] = t
	return nil
}

// node adds a node to a list.
func (d *decoder) node(list *[]*node, s *stream) error {
	n := &node{attrs: map[string]*attribute{}}
	if *list = append(*list, n); len(*list) > mostNodes {
		return fmt.Errorf("it has more than %d nodes", mostNodes)
	}
	return s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		if typ != protowire.BytesType {
			return s.skip(typ)
		}
		var text string
		switch field {
		case 1:
			text, err = s.text()
			n.in = append(n.in, text)
		case 2:
			text, err = s.text()
			n.out = append(n.out, text)
		case 3:
			n.name, err = s.text()
		case 4:
			n.op, err = s.text()
		case 5:
			return s.within(typ, func(m *stream) error {
				a, err := d.attribute(m)
				if err != nil {
					return fmt.Errorf("%s: attribute %s: %w", n, a.name, err)
				}
				n.attrs[a.name] = a
				return nil
			})
		case 7:
			n.domain, err = s.text()
		default:
			err = s.skip(typ)
		}
		return err
	})
}

func (d *decoder) attribute(s *stream) (*attribute, error) {
	a := &attribute{}
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch field {
		case 1:
			return s.within(typ, func(m *stream) error { b, err := m.bytes(); a.name = string(b); return err })
		case 2:
			return s.numbers(typ, protowire.Fixed32Type, func(v uint64) { a.float = math.Float32frombits(uint32(v)) })
		case 3:
			a.int, err = s.int(typ)
		case 4:
			return s.within(typ, func(m *stream) error { b, err := m.bytes(); a.text = string(b); return err })
		case 5:
			return s.within(typ, func(m *stream) (err error) { a.tensor, err = readTensor(m, d.files, d.dir); return err })
		case 6:
			return s.within(typ, func(m *stream) (err error) { a.graph, err = d.branch(m); return err })
		case 7:
			return s.floats(typ, &a.floats)
		case 8:
			return s.ints(typ, &a.ints)
		case 20:
			a.typ, err = s.int(typ)
		default:
			return s.skip(typ)
		}
		return err
	})
	return a, err
}

// readInto adds an input or output to a list. Old files list all weights among their inputs.
func readInto(list *[]Value, s *stream) error {
	v, err := readValue(s)
	if *list = append(*list, v); len(*list) > mostValues {
		return fmt.Errorf("it has more than %d inputs or outputs", mostValues)
	}
	return err
}

// readValue reads a ValueInfoProto.
func readValue(s *stream) (Value, error) {
	v := Value{}
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch {
		case field == 1 && typ == protowire.BytesType:
			v.Name, err = s.text()
			return err
		case field == 2:
			return s.within(typ, func(m *stream) error {
				return m.each(func(field protowire.Number, typ protowire.Type) error {
					if field != 1 {
						v.Type = "no tensor"
						return m.skip(typ)
					}
					return m.within(typ, v.tensorType)
				})
			})
		}
		return s.skip(typ)
	})
	return v, err
}

// tensorType reads the element type and the shape.
func (v *Value) tensorType(s *stream) error {
	return s.each(func(field protowire.Number, typ protowire.Type) error {
		switch field {
		case 1:
			elem, err := s.int(typ)
			v.Type = typeName(elem)
			return err
		case 2:
			v.Shape, v.Sides = []int{}, []string{}
			return s.within(typ, func(m *stream) error {
				return m.each(func(field protowire.Number, typ protowire.Type) error {
					if field != 1 {
						return m.skip(typ)
					}
					return m.within(typ, v.side)
				})
			})
		}
		return s.skip(typ)
	})
}

// side reads one dimension.
func (v *Value) side(s *stream) error {
	d, name := int64(-1), ""
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch {
		case field == 1:
			d, err = s.int(typ)
		case field == 2 && typ == protowire.BytesType:
			name, err = s.text()
		default:
			err = s.skip(typ)
		}
		return err
	})
	if d <= 0 && name == "" || d >= most {
		d = -1
	}
	v.Shape, v.Sides = append(v.Shape, int(d)), append(v.Sides, name)
	return err
}

// finish sorts the nodes, leaves out those that no output needs, and reads the metadata.
func (d *decoder) finish() error {
	m := d.m
	if !d.opset && len(m.nodes) > 0 {
		return fmt.Errorf("no ONNX model: it does not say which version of the operators it wants")
	}
	if len(m.Outputs) == 0 {
		return fmt.Errorf("it has no outputs")
	}
	for _, v := range d.inputs {
		if m.tensors[v.Name] == nil { // otherwise it is the value to begin with, for programs of old
			m.Inputs = append(m.Inputs, v)
		}
	}
	if err := d.gather(m.nodes); err != nil {
		return err
	}
	if err := m.sort(); err != nil {
		return err
	}
	var err error
	m.Meta, err = weights.ParseMeta(d.properties)
	return err
}

// sort keeps the nodes that the outputs need, each after those whose results it reads: in the file's
// order, if that is one.
func (m *Model) sort() error {
	maker := map[string]*node{}
	for _, n := range m.nodes {
		for _, out := range n.out {
			if out == "" {
				continue
			}
			if maker[out] != nil || m.tensors[out] != nil {
				return fmt.Errorf("%s: the value %q is made twice", n, out)
			}
			maker[out] = n
		}
	}
	const (
		open = iota + 1
		done
	)
	state := map[*node]int{}
	var order []*node
	// Depth first, without recursion: a chain may be as long as the file.
	var stack []*node
	for _, v := range m.Outputs {
		if n := maker[v.Name]; n != nil {
			stack = append(stack, n)
		}
		m.uses[v.Name]++
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		if state[n] != 0 {
			stack = stack[:len(stack)-1]
			if state[n] == open {
				state[n] = done
				order = append(order, n)
			}
			continue
		}
		state[n] = open
		for _, in := range slices.Backward(slices.Concat(n.in, n.captured)) {
			switch from := maker[in]; {
			case from == nil || state[from] == done:
			case state[from] == open:
				return fmt.Errorf("%s reads %q, which depends on what it gives itself", n, in)
			default:
				stack = append(stack, from)
			}
		}
	}
	known := map[string]bool{"": true}
	for name := range m.tensors {
		known[name] = true
	}
	for _, v := range m.Inputs {
		known[v.Name] = true
	}
	for _, n := range order {
		for _, in := range n.in {
			m.uses[in]++
			if !known[in] && maker[in] == nil {
				return fmt.Errorf("%s reads %q, which nothing gives", n, in)
			}
		}
		for _, in := range n.captured {
			if !known[in] && maker[in] == nil {
				return fmt.Errorf("a branch of %s reads %q, which nothing gives", n, in)
			}
		}
		m.count(n)
	}
	for _, v := range m.Outputs {
		if !known[v.Name] && maker[v.Name] == nil {
			return fmt.Errorf("nothing gives the output %q", v.Name)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(m.nodes), func(n *node) bool { return state[n] != done })
	for _, n := range kept {
		for _, in := range slices.Concat(n.in, n.captured) {
			if !known[in] {
				m.nodes = order
				return nil
			}
		}
		for _, out := range n.out {
			known[out] = true
		}
	}
	m.nodes = kept
	return nil
}
