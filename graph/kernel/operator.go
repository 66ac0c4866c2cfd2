package kernel

import (
	"fmt"
	"math"
)

// An Operator joins two numbers. Comparisons give 1 and 0.
type Operator uint8

// The operators.
const (
	Plus Operator = iota
	Minus
	Times
	Over
	Power
	Most
	Least
	Less
	Greater
	LessOrEqual
	GreaterOrEqual
	Equal
	NotEqual
	operators
)

// String returns the operator's name.
func (o Operator) String() string {
	return [...]string{"sum", "difference", "product", "quotient", "power", "maximum", "minimum", "less", "greater", "less or equal", "greater or equal", "equal", "not equal"}[o]
}

// KeepsZero reports whether the operator makes zero of two zeros.
func (o Operator) KeepsZero() bool {
	switch o {
	case Plus, Minus, Times, Most, Least, Less, Greater, NotEqual:
		return true
	}
	return false
}

// Operate sets z to x o y, element by element. z may be x or y.
func Operate(p *Pool, o Operator, x, y, z []float32) {
	sameLen("Operate", len(x), len(y), len(z))
	if o == Plus {
		Add(p, x, y, z)
		return
	}
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.c, t.k[0] = x, y, z, uint32(o)
	t.run(p, operate, len(x))
}

func operate(t *vecTask, from, n int) {
	operateRow(Operator(t.k[0]), t.a[from:from+n], t.b[from:from+n], t.c[from:from+n], 1, 1)
}

// operateRow sets z[i] to x[i·sx] o y[i·sy]; sx and sy are 0 or 1.
func operateRow(o Operator, x, y, z []float32, sx, sy int) {
	switch o {
	case Plus:
		for i := range z {
			z[i] = x[i*sx] + y[i*sy]
		}
	case Minus:
		for i := range z {
			z[i] = x[i*sx] - y[i*sy]
		}
	case Times:
		for i := range z {
			z[i] = x[i*sx] * y[i*sy]
		}
	case Over:
		for i := range z {
			z[i] = x[i*sx] / y[i*sy]
		}
	case Power:
		for i := range z {
			z[i] = float32(math.Pow(float64(x[i*sx]), float64(y[i*sy])))
		}
	case Most:
		for i := range z {
			z[i] = max(x[i*sx], y[i*sy])
		}
	case Least:
		for i := range z {
			z[i] = min(x[i*sx], y[i*sy])
		}
	default:
		for i := range z {
			a, b, is := x[i*sx], y[i*sy], false
			switch o {
			case Less:
				is = a < b
			case Greater:
				is = a > b
			case LessOrEqual:
				is = a <= b
			case GreaterOrEqual:
				is = a >= b
			case Equal:
				is = a == b
			case NotEqual:
				is = a != b
			}
			z[i] = 0
			if is {
				z[i] = 1
			}
		}
	}
}

// A Broadcast is a plan for an operator between two tensors, row-major, of which the sides that are 1 are
// repeated (NumPy's rule). A plan holds the state of one call at a time.
type Broadcast struct {
	op      Operator
	outer   []int // the result's sides but the last, sides that run on in both operands joined
	sx, sy  []int // strides of the operands, one more than outer: the last is 0 or 1
	row     int   // the result's last side
	rows    int
	grain   int // rows a task
	x, y, z []float32
}

// BroadcastShape returns the shape of the result of an operator between tensors of the shapes x and y, which
// have as many sides.
func BroadcastShape(x, y []int) ([]int, error) {
	if len(x) != len(y) {
		return nil, fmt.Errorf("shapes %v and %v have not the same number of dimensions", x, y)
	}
	out := make([]int, len(x))
	for i := range x {
		switch {
		case x[i] == y[i], y[i] == 1:
			out[i] = x[i]
		case x[i] == 1:
			out[i] = y[i]
		default:
			return nil, fmt.Errorf("shapes %v and %v differ in dimension %d, where neither is 1", x, y, i)
		}
	}
	return out, nil
}

// NewBroadcast plans an operator between tensors of the shapes x and y.
func NewBroadcast(o Operator, x, y []int) (*Broadcast, error) {
	out, err := BroadcastShape(x, y)
	if err != nil {
		return nil, err
	}
	b := &Broadcast{op: o}
	dims, sx, sy := joinSides(out, repeating(out, x), repeating(out, y))
	last := len(dims) - 1
	b.outer, b.sx, b.sy, b.row, b.rows = dims[:last], sx, sy, dims[last], 1
	for _, d := range b.outer {
		b.rows *= d
	}
	b.grain = max(1, vecChunk/max(1, b.row))
	return b, nil
}

// repeating returns the strides of a row-major tensor, 0 along sides of 1 that are repeated.
func repeating(out, shape []int) []int {
	strides, stride := make([]int, len(out)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 {
			strides[i] = stride
		}
		stride *= shape[i]
	}
	return strides
}

// joinSides joins neighbouring sides along which all operands run on, drops sides of 1, and leaves at least
// one. The strides of one operand may stand for those of both.
func joinSides(shape, sx, sy []int) (dims, jx, jy []int) {
	for i, d := range shape {
		if d == 1 {
			continue
		}
		if n := len(dims) - 1; n >= 0 && jx[n] == sx[i]*d && jy[n] == sy[i]*d {
			dims[n], jx[n], jy[n] = dims[n]*d, sx[i], sy[i]
			continue
		}
		dims, jx, jy = append(dims, d), append(jx, sx[i]), append(jy, sy[i])
	}
	if len(dims) == 0 {
		return []int{1}, []int{1}, []int{1}
	}
	return dims, jx, jy
}

// Run sets z to x o y. z may be an operand that is not repeated.
func (b *Broadcast) Run(p *Pool, x, y, z []float32) {
	if b.rows == 1 && b.sx[0] == 1 && b.sy[0] == 1 {
		Operate(p, b.op, x, y, z)
		return
	}
	b.x, b.y, b.z = x, y, z
	runTasks(p, (b.rows+b.grain-1)/b.grain, len(z), b)
	b.x, b.y, b.z = nil, nil, nil
}

// Task does the task's rows.
func (b *Broadcast) Task(task, _ int) {
	last := len(b.outer)
	for r := task * b.grain; r < min((task+1)*b.grain, b.rows); r++ {
		i, j := placed(r, b.outer, b.sx), placed(r, b.outer, b.sy)
		operateRow(b.op, b.x[i:], b.y[j:], b.z[r*b.row:(r+1)*b.row], b.sx[last], b.sy[last])
	}
}

// placed is where element number i of a row-major walk over the sides lies.
func placed(i int, sides, strides []int) int {
	at := 0
	for k := len(sides) - 1; k >= 0; k-- {
		at += i % sides[k] * strides[k]
		i /= sides[k]
	}
	return at
}
