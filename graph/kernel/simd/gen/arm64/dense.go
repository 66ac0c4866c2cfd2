package main

import (
	"fmt"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

// Weight rows of a dot loop for 1, 2, … input rows: all sums in registers, beside the smaller side's vectors and one that
// the other passes through. Groups of input rows may differ by one, so each also has the number of the next.
var dotRows = []int{8, 8, 8, 6, 5, 4}

// Vectors of a mix loop for 1, 2, … rows of sums.
var mixVectors = []int{8, 8, 6, 4, 4, 4}

func dense(file *neon.File) {
	for i, most := range dotRows {
		for _, rows := range slices.Compact([]int{1, dotRows[min(i+1, len(dotRows)-1)], most}) {
			file.Func(fmt.Sprintf("dot%dx%dNEON", rows, i+1), "func(k int, w *float32, ldw int, next int, pace int, x *float32, ldx int, out *float32)",
				fmt.Sprintf("adds the dot products of %d rows of w and %d rows of x, k long, to out, in the order of w's rows. It fetches from as many rows next bytes after w, pace bytes a step. Strides are in bytes.", rows, i+1),
				func(f *neon.F) { dot(f, rows, i+1, (*neon.F).Get, 16) })
			file.Func(fmt.Sprintf("halfDot%dx%dNEON", rows, i+1), "func(k int, w *uint16, ldw int, next int, pace int, x *float32, ldx int, out *float32)",
				fmt.Sprintf("is dot%dx%dNEON with rows of 16-bit floats, of whole blocks.", rows, i+1),
				func(f *neon.F) { dot(f, rows, i+1, (*neon.F).GetHalf, 8) })
		}
	}
	file.Func("narrowNEON", "func(n int, x *float32, scale float32, y *uint16)", "is narrowGeneric.", func(f *neon.F) {
		n, x, scale, y := f.Arg("n"), f.Arg("x"), f.ArgVec("scale"), f.Arg("y")
		f.Each(n, 4, func(at neon.At) { f.PutHalf(f.Mul(scale, f.Get(x, at)), y, at) })
	})
	for i, vectors := range mixVectors {
		file.Func(fmt.Sprintf("mix%dNEON", i+1), "func(columns int, rows int, w *float32, ldw int, ahead int, pace int, factors *float32, ldf int, y *float32, ldy int)",
			fmt.Sprintf("adds to each of %d rows of y, columns long, rows of w times that row's factors. It fetches w ahead; that distance changes by pace with each vector. Strides are in bytes.", i+1),
			func(f *neon.F) { mix(f, i+1, vectors) })
	}
}

// spaced returns the addresses of n things that are step bytes apart.
func spaced(f *neon.F, first, step neon.Reg, n int) []neon.Reg {
	all := []neon.Reg{first}
	for i := 1; i < n; i++ {
		r := f.Reg()
		f.AddReg(r, all[i-1], step)
		all = append(all, r)
	}
	return all
}

// dot takes steps of four weights, which get reads from so many bytes, and of four steps the first asks for lines of the
// next rows.
func dot(f *neon.F, rows, inputs int, get func(f *neon.F, base neon.Reg, at neon.At) neon.Vec, bytes int) {
	k, w, ldw := f.Arg("k"), f.Arg("w"), f.Arg("ldw")
	weights := spaced(f, w, ldw, rows)
	x := spaced(f, f.Arg("x"), f.Arg("ldx"), inputs)
	ahead, slower := f.Arg("next"), f.Arg("pace")
	f.AddImm(slower, slower, -bytes) // how much faster the lines go on than the rows
	sums := make([][]neon.Vec, rows)
	for r := range sums {
		for range inputs {
			sums[r] = append(sums[r], f.Zero())
		}
	}
	step := func(at neon.At) {
		// The smaller side stays in registers, the other passes through one.
		held, passing, first, second := weights, x, get, (*neon.F).Get
		if rows > inputs {
			held, passing, first, second = x, weights, second, first
		}
		var h []neon.Vec
		for _, p := range held {
			h = append(h, first(f, p, at))
		}
		for j, p := range passing {
			v := second(f, p, at)
			for i, u := range h {
				if rows > inputs {
					f.FMA(sums[j][i], u, v)
				} else {
					f.FMA(sums[i][j], v, u)
				}
			}
		}
		if at.Tail == nil && at.Disp == 0 {
			for _, p := range weights {
				line := f.Reg()
				f.AddReg(line, p, ahead)
				f.Fetch(line, 2)
			}
		}
		if at.Tail == nil {
			f.AddReg(ahead, ahead, slower)
		}
	}
	f.Each(k, 4, step)
	out := f.Arg("out")
	var all []neon.Vec
	for _, row := range sums {
		all = append(all, row...)
	}
	for len(all) > 0 {
		n := min(4, len(all))
		addSums(f, all[:n], out)
		all = all[n:]
	}
}

// addSums adds the sum of each register's lanes to a float, up to four neighbours at out, which goes on.
func addSums(f *neon.F, v []neon.Vec, out neon.Reg) {
	last := func(i int) neon.Vec { return v[min(i, len(v)-1)] }
	sums := f.AddPairs(f.AddPairs(last(0), last(1)), f.AddPairs(last(2), last(3)))
	at, left := neon.At{}, f.Reg()
	if len(v) < 4 {
		f.Set(left, len(v))
		at.Tail = &left
	}
	f.Put(f.Add(f.Get(out, at), sums), out, at)
	f.AddImm(out, out, 16)
}

func mix(f *neon.F, outputs, vectors int) {
	columns, w, ldw, ahead, pace := f.Arg("columns"), f.Arg("w"), f.Arg("ldw"), f.Arg("ahead"), f.Arg("pace")
	y := spaced(f, f.Arg("y"), f.Arg("ldy"), outputs)
	// step does n vectors of columns; get and put move one.
	step := func(n int, get func(p neon.Reg, k int) neon.Vec, put func(v neon.Vec, p neon.Reg, k int)) {
		sums := make([][]neon.Vec, outputs)
		for i := range sums {
			for k := range n {
				sums[i] = append(sums[i], get(y[i], k))
			}
		}
		factors := spaced(f, f.Arg("factors"), f.Arg("ldf"), outputs)
		rows, row, next := f.Arg("rows"), f.Reg(), f.Label("row")
		f.MoveReg(row, w)
		f.Here(next)
		coming := f.Reg()
		f.AddReg(coming, row, ahead)
		var v []neon.Vec
		for k := range n {
			v = append(v, get(row, k))
			if k%4 == 0 {
				f.Fetch(coming, 2)
				if k+4 < n {
					f.AddImm(coming, coming, 64)
				}
			}
		}
		for i := range outputs {
			factor := f.Load1(neon.Mem{Base: factors[i]})
			for k := range v {
				f.FMALane(sums[i][k], v[k], factor, 0)
			}
			f.AddImm(factors[i], factors[i], 4)
		}
		f.AddReg(row, row, ldw)
		f.SubsImm(rows, rows, 1)
		f.Branch("BNE", next)
		for i := range sums {
			for k := range n {
				put(sums[i][k], y[i], k)
			}
		}
	}
	for _, n := range []int{vectors, 1} {
		loop, done := f.Label("loop"), f.Label("done")
		f.SubsImm(columns, columns, 4*n)
		f.Branch("BLT", done)
		f.Here(loop)
		step(n, func(p neon.Reg, k int) neon.Vec { return f.Load(neon.Mem{Base: p, Disp: 16 * k}) },
			func(v neon.Vec, p neon.Reg, k int) { f.Store(v, neon.Mem{Base: p, Disp: 16 * k}) })
		f.AddImm(w, w, 16*n)
		for i := range y {
			f.AddImm(y[i], y[i], 16*n)
		}
		for range n {
			f.AddReg(ahead, ahead, pace)
		}
		f.SubsImm(columns, columns, 4*n)
		f.Branch("BGE", loop)
		f.Here(done)
		f.AddImm(columns, columns, 4*n)
	}
	end := f.Label("end")
	f.JumpZero(columns, end)
	at := neon.At{Tail: &columns}
	step(1, func(p neon.Reg, _ int) neon.Vec { return f.Get(p, at) }, func(v neon.Vec, p neon.Reg, _ int) { f.Put(v, p, at) })
	f.Here(end)
}
