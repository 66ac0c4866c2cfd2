package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on one pickle. The state dict of ResNet-152 with its optimiser takes
// about 1 MB and 110,000 opcodes, so honest files are far below; a hostile one
// gets at most some hundred megabytes and a second.
const (
	maxPickle  = 32 << 20 // bytes
	maxOpcodes = 1 << 20  // an opcode adds at most one value to the stack or the memo
	maxCopied  = 1 << 20  // elements that calls copy from one container to another
	maxRank    = 64       // dimensions of a tensor, as in PyTorch
)

// An unpickler is a machine for the opcodes with which Python's pickle module
// (protocols 2 to 5, and what Python 2 wrote) stores data. It builds values and
// executes nothing: a pickle can only name the globals of the table globals,
// each of which stands for a few lines of Go that put a value together.
//
// Nothing in it recurses, and no length that the pickle claims is allocated
// before so many bytes are known to follow.
type unpickler struct {
	r          *bufio.Reader
	at, limit  int64 // bytes consumed, and how many there are
	stack      []any
	marks      []int // heights of the stack, increasing
	memo       map[uint32]any
	opcodes    int
	copied     int
	persistent func(id tuple) (any, error) // nil: refused
}

// The values on the stack are nil, bool, int64, float64, string (also for
// bytes), the following, *tensor and *storage.
type (
	tuple []any
	list  struct{ items []any }
	// A dict keeps entries with string keys only; nobody asks for others.
	dict struct {
		keys   []string // in the order of insertion
		others int      // entries that are not kept
		values map[string]any
	}
	// A global is a class or function by its Python name. Call makes what calling
	// it would return; nil for what is never called.
	global struct {
		name    string
		call    func(u *unpickler, args tuple) (any, error)
		storage *dtype // of a storage class
	}
	// An opaque value is something that no tensor depends on; what goes into it
	// is dropped.
	opaque struct{ what string }
	// An object is what calling an unknown global would make. It keeps what is
	// stored with it as data: the items of a dict or list that it may be a kind of,
	// and its attributes.
	object struct {
		what  string // the global
		items *dict
		list  []any
		state any
	}
)

func newDict() *dict { return &dict{values: map[string]any{}} }

func (d *dict) set(key, value any) {
	k, ok := key.(string)
	if !ok {
		d.others++
		return
	}
	if _, there := d.values[k]; !there {
		d.keys = append(d.keys, k)
	}
	d.values[k] = value
}

// unpickle reads one pickle from src at off, and returns where it ends.
func unpickle(src io.ReaderAt, off, size int64, persistent func(tuple) (any, error)) (v any, end int64, err error) {
	limit := min(size-off, maxPickle)
	u := &unpickler{
		r: bufio.NewReaderSize(io.NewSectionReader(src, off, limit), 64<<10), limit: limit,
		memo: map[uint32]any{}, persistent: persistent,
	}
	if v, err = u.run(); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = errors.New("it ends before it is complete")
			if limit == maxPickle {
				err = fmt.Errorf("it is longer than %d MB", maxPickle>>20)
			}
		}
		return nil, 0, fmt.Errorf("the pickle at byte %d: at byte %d of it: %w", off, u.at, err)
	}
	return v, off + u.at, nil
}

func (u *unpickler) run() (any, error) {
	for {
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if u.opcodes++; u.opcodes > maxOpcodes {
			return nil, fmt.Errorf("it has more than %d opcodes", maxOpcodes)
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, err
		}
	}
}

// step executes one opcode. The names in the comments are those of Python's
// pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.byte()
		if err == nil && v > 5 {
			err = fmt.Errorf("protocol %d is unknown: 5 is the highest that is", v)
		}
		return err
	case 0x95: // FRAME
		_, err := u.uint(8)
		return err

	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return nil
	case '0': // POP
		if n := len(u.marks); n > 0 && u.marks[n-1] == len(u.stack) {
			u.marks = u.marks[:n-1]
			return nil
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		return u.push(v, err)

	case 'N': // NONE
		return u.push(nil, nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return u.push(op == 0x88, nil)
	case 'K', 'M': // BININT1, BININT2
		n, err := u.uint(1 + int(op-'K')/2)
		return u.push(int64(n), err)
	case 'J': // BININT
		n, err := u.uint(4)
		return u.push(int64(int32(n)), err)
	case 0x8a, 0x8b: // LONG1, LONG4
		return u.push(u.long(1 + 3*int(op-0x8a)))
	case 'G': // BINFLOAT, big-endian
		b, err := u.bytes(8)
		if err != nil {
			return err
		}
		return u.push(math.Float64frombits(binary.BigEndian.Uint64([]byte(b))), nil)
	case 'U', 'C', 0x8c: // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
		return u.push(u.text(1))
	case 'T', 'B', 'X': // BINSTRING, BINBYTES, BINUNICODE
		return u.push(u.text(4))
	case 0x8d, 0x8e, 0x96: // BINUNICODE8, BINBYTES8, BYTEARRAY8
		return u.push(u.text(8))

	case ']': // EMPTY_LIST
		return u.push(&list{}, nil)
	case 'l': // LIST
		items, err := u.popMark()
		return u.push(&list{items}, err)
	case ')': // EMPTY_TUPLE
		return u.push(tuple(nil), nil)
	case 't': // TUPLE
		items, err := u.popMark()
		return u.push(tuple(items), err)
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := u.popN(int(op-0x85) + 1)
		return u.push(tuple(items), err)
	case '}': // EMPTY_DICT
		return u.push(newDict(), nil)
	case 'd': // DICT
		items, err := u.popMark()
		if err != nil {
			return err
		}
		d := newDict()
		return u.push(d, setItems(d, items))
	case 0x8f: // EMPTY_SET
		return u.push(opaque{"a set"}, nil)
	case 0x91: // FROZENSET
		_, err := u.popMark()
		return u.push(opaque{"a frozenset"}, err)

	case 'a': // APPEND
		items, err := u.popN(1)
		return u.into(appendItems, items, err)
	case 'e', 0x90: // APPENDS, ADDITEMS
		items, err := u.popMark()
		return u.into(appendItems, items, err)
	case 's': // SETITEM
		items, err := u.popN(2)
		return u.into(setItems, items, err)
	case 'u': // SETITEMS
		items, err := u.popMark()
		return u.into(setItems, items, err)

	case 'q', 'r': // BINPUT, LONG_BINPUT
		i, err := u.uint(1 + 3*int(op-'q'))
		if err != nil {
			return err
		}
		return u.remember(uint32(i))
	case 0x94: // MEMOIZE
		return u.remember(uint32(len(u.memo)))
	case 'h', 'j': // BINGET, LONG_BINGET
		i, err := u.uint(1 + 3*int(op-'h')/2)
		if err != nil {
			return err
		}
		v, ok := u.memo[uint32(i)]
		if !ok {
			return fmt.Errorf("memo %d was never stored", i)
		}
		return u.push(v, nil)

	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.push(findGlobal(module, name), nil)
	case 0x93: // STACK_GLOBAL
		names, err := u.popN(2)
		if err != nil {
			return err
		}
		module, ok := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok || !ok2 {
			return fmt.Errorf("a global is named by %s and %s", describe(names[0]), describe(names[1]))
		}
		return u.push(findGlobal(module, name), nil)
	case 'R', 0x81: // REDUCE, NEWOBJ
		return u.call(2)
	case 0x92: // NEWOBJ_EX
		return u.call(3)
	case 'b': // BUILD: sets attributes
		items, err := u.popN(1)
		if err != nil {
			return err
		}
		v, err := u.top()
		if err != nil {
			return err
		}
		switch v := v.(type) {
		case *object:
			v.state = items[0]
			return nil
		case *dict, *list, opaque, *tensor, *global:
			return nil
		}
		return fmt.Errorf("sets attributes of %s", describe(v))
	case 'Q': // BINPERSID
		v, err := u.pop()
		if err != nil {
			return err
		}
		id, ok := v.(tuple)
		if !ok || u.persistent == nil {
			return fmt.Errorf("refers to %s outside of the pickle", describe(v))
		}
		return u.push(u.persistent(id))
	}
	return fmt.Errorf("opcode %#02x is none of those in which tensors are stored", op)
}

func (u *unpickler) call(n int) error {
	operands, err := u.popN(n)
	if err != nil {
		return err
	}
	f, ok := operands[0].(*global)
	if !ok {
		switch v := operands[0].(type) {
		case *object: // what getattr or functools.partial would make, for one
			return u.push(&object{what: v.what}, nil)
		case opaque:
			return u.push(v, nil)
		}
	}
	if !ok || f.call == nil {
		return fmt.Errorf("refused: it calls %s", describe(operands[0]))
	}
	args, ok := operands[1].(tuple)
	if !ok {
		return fmt.Errorf("%s is called with %s in place of a tuple", f.name, describe(operands[1]))
	}
	v, err := f.call(u, args)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return u.push(v, nil)
}

func (u *unpickler) remember(i uint32) error {
	v, err := u.top()
	if err == nil {
		u.memo[i] = v
	}
	return err
}

// into applies add to the value on top of the stack.
func (u *unpickler) into(add func(to any, items []any) error, items []any, err error) error {
	if err != nil {
		return err
	}
	to, err := u.top()
	if err != nil {
		return err
	}
	return add(to, items)
}

func appendItems(to any, items []any) error {
	switch to := to.(type) {
	case *list:
		to.items = append(to.items, items...)
	case *object:
		to.list = append(to.list, items...)
	case opaque:
	default:
		return fmt.Errorf("appends to %s", describe(to))
	}
	return nil
}

func setItems(to any, items []any) error {
	if len(items)%2 != 0 {
		return errors.New("a key without a value")
	}
	switch to := to.(type) {
	case *dict:
		for i := 0; i < len(items); i += 2 {
			to.set(items[i], items[i+1])
		}
	case *object:
		if to.items == nil {
			to.items = newDict()
		}
		return setItems(to.items, items)
	case opaque:
	default:
		return fmt.Errorf("sets items of %s", describe(to))
	}
	return nil
}

// push takes an error along so that cases stay short.
func (u *unpickler) push(v any, err error) error {
	if err == nil {
		u.stack = append(u.stack, v)
	}
	return err
}

// floor is the height of the stack below which only popMark may take.
func (u *unpickler) floor() int {
	if n := len(u.marks); n > 0 {
		return u.marks[n-1]
	}
	return 0
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errors.New("a value is missing on the stack")
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

func (u *unpickler) popN(n int) ([]any, error) {
	from := len(u.stack) - n
	if from < u.floor() {
		return nil, errors.New("a value is missing on the stack")
	}
	items := slices.Clone(u.stack[from:])
	u.stack = u.stack[:from]
	return items, nil
}

func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("a mark is missing on the stack")
	}
	items, err := u.popN(len(u.stack) - u.floor())
	u.marks = u.marks[:len(u.marks)-1]
	return items, err
}

func (u *unpickler) byte() (byte, error) {
	b, err := u.r.ReadByte()
	if err == nil {
		u.at++
	}
	return b, err
}

// bytes reads n bytes, of which it first makes sure that they are there.
func (u *unpickler) bytes(n uint64) (string, error) {
	if n > uint64(u.limit-u.at) {
		return "", io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.r, b); err != nil {
		return "", err
	}
	u.at += int64(n)
	return string(b), nil
}

// uint reads a little-endian number of size bytes.
func (u *unpickler) uint(size int) (uint64, error) {
	var n uint64
	for i := range size {
		b, err := u.byte()
		if err != nil {
			return 0, err
		}
		n |= uint64(b) << (8 * i)
	}
	return n, nil
}

// text reads a string or bytes behind its length of size bytes.
func (u *unpickler) text(size int) (any, error) {
	n, err := u.uint(size)
	if err != nil {
		return nil, err
	}
	return u.bytes(n)
}

// long reads an integer behind its length of size bytes. Those of more than 64
// bits are good for nothing here.
func (u *unpickler) long(size int) (any, error) {
	n, err := u.uint(size)
	if err != nil {
		return nil, err
	}
	b, err := u.bytes(n)
	if err != nil || n > 8 {
		return opaque{"a large integer"}, err
	}
	var v int64
	for i := range len(b) {
		v |= int64(b[i]) << (8 * i)
	}
	if n > 0 {
		v = v << (64 - 8*n) >> (64 - 8*n) // the sign
	}
	return v, nil
}

// line reads text up to a line feed.
func (u *unpickler) line() (string, error) {
	const most = 300
	var b []byte
	for len(b) < most {
		c, err := u.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return string(b), nil
		}
		b = append(b, c)
	}
	return "", fmt.Errorf("the name of a global has more than %d letters", most)
}

// copying accounts for elements that a call copies: without it, a short pickle
// could ask for the same long list again and again.
func (u *unpickler) copying(n int) error {
	if u.copied += n; u.copied > maxCopied {
		return fmt.Errorf("copies more than %d elements", maxCopied)
	}
	return nil
}

// globals is everything that a pickle may name: what PyTorch stores tensors
// with, and what checkpoints of training scripts often carry besides.
var globals = map[string]*global{}

func init() {
	for name, call := range map[string]func(*unpickler, tuple) (any, error){
		"collections.OrderedDict":                    makeDict,
		"torch._utils._rebuild_tensor":               rebuildTensor,
		"torch._utils._rebuild_tensor_v2":            rebuildTensor,
		"torch._utils._rebuild_parameter":            rebuildParameter,
		"torch._utils._rebuild_parameter_with_state": rebuildParameter,
		"torch._tensor._rebuild_from_type_v2":        rebuildFromType,
		"torch.Size":                                 makeSize,
	} {
		globals[name] = &global{name: name, call: call}
	}
	for _, name := range []string{"builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset", "_codecs.encode"} {
		globals[name] = &global{name: name, call: func(*unpickler, tuple) (any, error) { return opaque{name}, nil }}
	}
	for _, name := range []string{"copyreg.__newobj__", "copyreg._reconstructor", "copy_reg.__newobj__", "copy_reg._reconstructor"} {
		globals[name] = &global{name: name, call: newObject}
	}
	for name, d := range map[string]string{
		"Float": "F32", "Double": "F64", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32",
		"Short": "I16", "Char": "I8", "Byte": "U8", "Bool": "BOOL", "ComplexFloat": "C64",
	} {
		name = "torch." + name + "Storage"
		globals[name] = &global{name: name, storage: dtypes[d]}
	}
	// Those that safetensors has not, and that cannot be read.
	for name, d := range map[string]dtype{
		"ComplexDouble": {name: "C128", size: 16}, "QInt8": {name: "QInt8", size: 1}, "QUInt8": {name: "QUInt8", size: 1},
		"QInt32": {name: "QInt32", size: 4}, "Untyped": {name: "untyped", size: 1},
	} {
		name = "torch." + name + "Storage"
		globals[name] = &global{name: name, storage: &d}
	}
	globals["torch.storage.UntypedStorage"] = globals["torch.UntypedStorage"]
}

// A RefusedError is a global that a pickle names, that a tensor depends on and
// that we do not know. Python would have imported and called it.
type RefusedError struct {
	Global string // module and name, as in os.system
}

func (e *RefusedError) Error() string {
	advice := "in PyTorch, save model.state_dict() only"
	switch {
	case strings.Contains(e.Global, "qtensor"):
		advice = "it is quantised: in PyTorch, call dequantize() on it and save again"
	case strings.HasPrefix(e.Global, "numpy."):
		advice = "it is a NumPy array: in PyTorch, save torch.from_numpy(array)"
	case strings.Contains(e.Global, "sparse"):
		advice = "it is sparse: in PyTorch, call to_dense() on it and save again"
	}
	return fmt.Sprintf("refused: it asks for %s, which is none of the globals that tensors are stored with (nothing was executed; %s)", quote(e.Global), advice)
}

// findGlobal gives what a global stands for: of an unknown one, something that
// makes opaque objects.
func findGlobal(module, name string) *global {
	full := module + "." + name
	if g := globals[full]; g != nil && !strings.Contains(name, ".") {
		return g
	}
	return &global{name: full, call: func(*unpickler, tuple) (any, error) { return &object{what: full}, nil }}
}

// makeDict takes nothing, or a list of pairs as Python 2 wrote it.
func makeDict(u *unpickler, args tuple) (any, error) {
	d := newDict()
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("called with %s", describe(args))
	}
	if err := u.copying(len(pairs.items)); err != nil {
		return nil, err
	}
	for _, p := range pairs.items {
		var pair []any
		switch p := p.(type) {
		case *list:
			pair = p.items
		case tuple:
			pair = p
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("an entry is %s, no pair", describe(p))
		}
		d.set(pair[0], pair[1])
	}
	return d, nil
}

func makeSize(_ *unpickler, args tuple) (any, error) {
	if len(args) == 1 {
		switch v := args[0].(type) {
		case tuple:
			return v, nil
		case *list:
			return tuple(v.items), nil
		}
	}
	return nil, fmt.Errorf("called with %s", describe(args))
}

// newObject takes a class and what its __new__ wants.
func newObject(u *unpickler, args tuple) (any, error) {
	if len(args) > 0 {
		if class, ok := args[0].(*global); ok {
			if class.call == nil {
				return &object{what: class.name}, nil
			}
			return class.call(u, nil)
		}
	}
	return nil, fmt.Errorf("called with %s", describe(args))
}

// rebuildTensor takes storage, offset, size, stride, and in its second version
// requires_grad, hooks and metadata.
func rebuildTensor(u *unpickler, args tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("called with %s", describe(args))
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 || offset < 0 || uint64(offset) > math.MaxInt {
		return nil, fmt.Errorf("a tensor of %s at %s", describe(args[0]), describe(args[1]))
	}
	t := &tensor{storage: s, offset: int(offset)}
	for i, to := range []*[]int{&t.shape, &t.strides} {
		list, ok := args[2+i].(tuple)
		if len(list) > maxRank {
			return nil, fmt.Errorf("%d dimensions: PyTorch allows %d", len(list), maxRank)
		}
		if err := u.copying(len(list)); err != nil {
			return nil, err
		}
		*to = make([]int, len(list))
		for j, v := range list {
			n, isInt := v.(int64)
			ok = ok && isInt && n >= 0 && uint64(n) <= math.MaxInt
			(*to)[j] = int(n)
		}
		if !ok {
			return nil, fmt.Errorf("size or stride is %s, no tuple of natural numbers", describe(args[2+i]))
		}
	}
	if len(t.shape) != len(t.strides) {
		return nil, fmt.Errorf("%d sizes and %d strides", len(t.shape), len(t.strides))
	}
	return t, nil
}

// rebuildParameter takes a tensor, requires_grad and hooks.
func rebuildParameter(_ *unpickler, args tuple) (any, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*tensor); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("called with %s", describe(args))
}

// rebuildFromType takes a rebuilding function, the type of the result, the
// function's arguments and attributes to set.
func rebuildFromType(u *unpickler, args tuple) (any, error) {
	if len(args) == 4 {
		f, ok := args[0].(*global)
		inner, ok2 := args[2].(tuple)
		if ok && ok2 && strings.HasPrefix(f.name, "torch._utils._rebuild_") {
			return f.call(u, inner)
		}
	}
	return nil, fmt.Errorf("called with %s", describe(args))
}

// describe names a value in an error, without its content.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool, int64, float64:
		return fmt.Sprint(v)
	case string:
		if !utf8.ValidString(v) {
			return fmt.Sprintf("%d bytes", len(v))
		}
		return quote(v)
	case tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *list:
		return fmt.Sprintf("a list of %d", len(v.items))
	case *dict:
		return "a dict"
	case *global:
		return v.name
	case opaque:
		return v.what
	case *object:
		return "an object of " + quote(v.what)
	case *tensor:
		return "a tensor"
	case *storage:
		return "a storage"
	}
	return "an object"
}
