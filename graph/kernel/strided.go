package kernel

// A Strided is a plan for a row-major tensor of elements that lie at strides in another: a repetition, a
// transpose. A plan holds the state of one call at a time.
type Strided struct {
	dims, strides []int // sides that run on joined
	offset        int
	size, grain   int // elements; walks of the last side a task
	x, y          []float32
}

// NewStrided plans for a tensor of the given shape, whose element (i, j, …) meets the other tensor's number
// offset + i·strides[0] + j·strides[1] + ….
func NewStrided(shape, strides []int, offset int) *Strided {
	s := &Strided{offset: offset, size: 1}
	s.dims, s.strides, _ = joinSides(shape, strides, strides)
	for _, d := range s.dims {
		s.size *= d
	}
	s.grain = max(1, vecChunk/s.dims[len(s.dims)-1])
	return s
}

// Gather sets y, which has the plan's shape, to the elements of x.
func (s *Strided) Gather(p *Pool, x, y []float32) {
	s.x, s.y = x, y
	rows := s.size / max(1, s.dims[len(s.dims)-1])
	runTasks(p, (rows+s.grain-1)/s.grain, len(y), s)
	s.x, s.y = nil, nil
}

// Task does the task's walks along the last side.
func (s *Strided) Task(task, _ int) {
	last := len(s.dims) - 1
	n, stride := s.dims[last], s.strides[last]
	for r := task * s.grain; r < min((task+1)*s.grain, s.size/n); r++ {
		at := s.offset + placed(r, s.dims[:last], s.strides)
		row := s.y[r*n : (r+1)*n]
		if stride == 1 {
			copy(row, s.x[at:at+n])
			continue
		}
		for i := range row {
			row[i] = s.x[at+i*stride]
		}
	}
}
