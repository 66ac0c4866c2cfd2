package simd

import "unsafe"

// tileGeneric is the micro-kernel in Go: the meaning of the assembly, and what runs where there is none.
func tileGeneric(t *Tile, m, panels int) {
	half := (m + 1) / 2
	place := func(i int, first, other unsafe.Pointer, step uintptr) unsafe.Pointer {
		if i >= half {
			return unsafe.Add(other, uintptr(i-half)*step)
		}
		return unsafe.Add(first, uintptr(i)*step)
	}
	for i := 0; i < m; i += 2 {
		j := min(i+1, m-1) // the last row of an odd number is computed twice
		a, a2 := place(i, t.A0, t.A1, t.AMS), place(j, t.A0, t.A1, t.AMS)
		c, c2 := place(i, t.C0, t.C1, t.CMS), place(j, t.C0, t.C1, t.CMS)
		var r, r2 unsafe.Pointer
		if t.R0 != nil {
			r, r2 = place(i, t.R0, t.R1, t.CMS), place(j, t.R0, t.R1, t.CMS)
		}
		for p := range uintptr(panels) {
			var sums [2][Block]float32
			for q := uintptr(0); q < Block; q += 4 {
				t.quarter(a, a2, unsafe.Add(t.B, p*t.BPS+q*4), (*[4]float32)(sums[0][q:]), (*[4]float32)(sums[1][q:]))
			}
			to := p * t.CPS
			var bias unsafe.Pointer
			if t.Bias != nil {
				bias = unsafe.Add(t.Bias, p*Block*4)
			}
			t.store(&sums[0], bias, r, c, to)
			if j > i {
				t.store(&sums[1], bias, r2, c2, to)
			}
		}
	}
}

// quarter writes the sums of two rows and four columns: as many as Go keeps in registers.
func (t *Tile) quarter(a, a2, b unsafe.Pointer, sum, sum2 *[4]float32) {
	var s0, s1, s2, s3, u0, u1, u2, u3 float32
	for _, off := range unsafe.Slice(t.Offs, t.NB) {
		x, y := off[0], off[1] // not pointers, as those must never point beyond the arrays
		for range t.KB {
			v, v2, w := *(*float32)(unsafe.Add(a, x)), *(*float32)(unsafe.Add(a2, x)), (*[4]float32)(unsafe.Add(b, y))
			s0 += float32(v * w[0])
			u0 += float32(v2 * w[0])
			s1 += float32(v * w[1])
			u1 += float32(v2 * w[1])
			s2 += float32(v * w[2])
			u2 += float32(v2 * w[2])
			s3 += float32(v * w[3])
			u3 += float32(v2 * w[3])
			x, y = x+int(t.AKS), y+int(t.BKS)
		}
	}
	*sum, *sum2 = [4]float32{s0, s1, s2, s3}, [4]float32{u0, u1, u2, u3}
}

// store finishes a row's sums and writes them to c.
func (t *Tile) store(sums *[Block]float32, bias, r, c unsafe.Pointer, to uintptr) {
	if bias != nil {
		for j, v := range (*[Block]float32)(bias) {
			sums[j] += v
		}
	}
	if r != nil {
		for j, v := range (*[Block]float32)(unsafe.Add(r, to)) {
			sums[j] += v
		}
	}
	if t.Clip != Unclipped {
		for j, v := range sums {
			if v < 0 {
				sums[j] = 0
			}
			if t.Clip == ClipBelow0Above6 && v > 6 {
				sums[j] = 6
			}
		}
	}
	*(*[Block]float32)(unsafe.Add(c, to)) = *sums
}

// lanesGeneric is Tile.RunLanes.
func lanesGeneric(t *Tile, m int) {
	half := (m + 1) / 2
	for i := range m {
		a, c, r, row := t.A0, t.C0, t.R0, i
		if i >= half {
			a, c, r, row = t.A1, t.C1, t.R1, i-half
		}
		a, c = unsafe.Add(a, uintptr(row)*t.AMS), unsafe.Add(c, uintptr(row)*t.CMS)
		if r != nil {
			r = unsafe.Add(r, uintptr(row)*t.CMS)
		}
		var sums [Block]float32
		for _, off := range unsafe.Slice(t.Offs, t.NB) {
			for k := range t.KB {
				x, w := (*[Block]float32)(unsafe.Add(a, off[0]+k*int(t.AKS))), (*[Block]float32)(unsafe.Add(t.B, off[1]+k*int(t.BKS)))
				if t.Permute == nil {
					for j, v := range w {
						sums[j] += float32(x[j] * v)
					}
					continue
				}
				index := (*[Block]int32)(unsafe.Add(unsafe.Pointer(t.Permute), k*int(t.PermuteStep)))
				for j, v := range w {
					sums[j] += float32(x[index[j]] * v)
				}
			}
		}
		t.store(&sums, t.Bias, r, c, 0)
	}
}

// laneTilesGeneric are as many rows as AVX-512 has at most.
var laneTilesGeneric = func() (all []func(t *byte)) {
	for m := range 28 + 1 {
		all = append(all, func(t *byte) { lanesGeneric((*Tile)(unsafe.Pointer(t)), m) })
	}
	return all
}()

// tilesGeneric are tiles of the sizes of AVX-512's.
var tilesGeneric = func() (all [5][]func(t *byte)) {
	for panels, rows := range [...]int{1: 20, 2: 14, 3: 8, 4: 6} {
		for m := range rows + 1 {
			all[panels] = append(all[panels], func(t *byte) { tileGeneric((*Tile)(unsafe.Pointer(t)), m, panels) })
		}
	}
	return all
}()
