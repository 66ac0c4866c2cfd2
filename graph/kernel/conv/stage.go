package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// A stage is where a thread's results wait before they go to memory past the caches: while later ones are computed, a
// few pixels at a time, so that neither waits for the other.
type stage struct {
	rooms []float32 // two, which take turns
	next  int       // the room of the coming results

	from, to         []float32 // of what waits
	panels, rows     int       // that it has
	size             int       // floats of a row; those of a panel follow each other
	perImage         int       // rows of an image
	image, row, step int       // floats from an image, row and panel of to to the next
	p, e, at         int       // where the rest begins
}

// room returns the place for the coming results.
func (s *stage) room() []float32 {
	half := len(s.rooms) / 2
	return s.rooms[s.next*half:][:half]
}

// keep lets what lies in the room, rows of some panels, wait. What waited before is written at last.
func (s *stage) keep(to []float32, panels, rows, size, perImage, image, row, step int) {
	s.flush()
	s.from, s.to = s.room(), to
	s.panels, s.rows, s.size, s.perImage, s.image, s.row, s.step = panels, rows, size, perImage, image, row, step
	s.p, s.e, s.at = 0, 0, 0
	s.next = 1 - s.next
}

// write writes some of what waits.
func (s *stage) write(pixels int) {
	for left := pixels * Block; left > 0 && s.p < s.panels; {
		n := min(left, s.size-s.at)
		simd.Stream(s.from[(s.p*s.rows+s.e)*s.size+s.at:][:n], s.to[s.p*s.step+s.e/s.perImage*s.image+s.e%s.perImage*s.row+s.at:])
		left -= n
		if s.at += n; s.at == s.size {
			s.at = 0
			if s.e++; s.e == s.rows {
				s.e = 0
				s.p++
			}
		}
	}
}

// flush writes all that waits.
func (s *stage) flush() {
	s.write(s.panels * s.rows * s.size)
	s.panels, s.from, s.to = 0, nil, nil
}

// stages are those of the threads.
type stages []stage

// open gives each thread two rooms of so many floats.
func (s *stages) open(threads, floats int, scratch []float32) {
	for len(*s) < threads {
		*s = append(*s, stage{})
	}
	for i := range threads {
		(*s)[i] = stage{rooms: scratch[i*2*floats:][:2*floats]}
	}
}

// close writes what is left.
func (s stages) close() {
	for i := range s {
		s[i].flush()
		s[i] = stage{}
	}
}

// meanwhile is what else is done while results are computed: earlier ones are written, and what will be read is asked for.
type meanwhile struct {
	stage  *stage // nil for none
	coming upcoming
	next   upcoming // what the next task will read, most likely
	each   int      // pixels of it for a result
}

// results does the share of so many results.
func (m *meanwhile) results(n int) {
	if m.stage != nil {
		m.stage.write(n)
	}
	m.coming.fetch(n)
	m.next.fetch(n * m.each)
}
