package jpeg

// The constants of libjpeg's jidctint.c and jidctred.c, times 2¹³.
const (
	fix0211164243 = 1730
	fix0298631336 = 2446
	fix0390180644 = 3196
	fix0509795579 = 4176
	fix0541196100 = 4433
	fix0601344887 = 4926
	fix0720959822 = 5906
	fix0765366865 = 6270
	fix0850430095 = 6967
	fix0899976223 = 7373
	fix1061594337 = 8697
	fix1175875602 = 9633
	fix1272758580 = 10426
	fix1451774981 = 11893
	fix1501321110 = 12299
	fix1847759065 = 15137
	fix1961570560 = 16069
	fix2053119869 = 16819
	fix2172734803 = 17799
	fix2562915447 = 20995
	fix3072711026 = 25172
	fix3624509785 = 29692

	constBits = 13
	passBits  = 2
)

// transform writes a block's samples to the plane: 8×8, 4×4, 2×2 or one of them. Of the coefficients, times
// their quantisation, only those of used are not zero, besides the first.
func (c *component) transform(b *[64]int32, used uint64, x, y int) {
	to := c.plane[(y*c.stride+x)*c.size:]
	if used == 0 || c.size == 1 {
		v := level((b[0] + 4) >> 3)
		for r := range c.size {
			row := to[r*c.stride:][:c.size]
			for i := range row {
				row[i] = v
			}
		}
		return
	}
	switch c.size {
	case 8:
		transform8(to, c.stride, b, used)
	case 4:
		transform4(to, c.stride, b)
	case 2:
		transform2(to, c.stride, b)
	}
}

// level is a sample: they are stored around 0.
func level(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// column is the coefficients of a column but for its first.
const column = 0x0101010101010100

// transform8 is the inverse transform of jidctint.c, after Loeffler, Ligtenberg and Moschytz (ICASSP 1989):
// columns first, with two bits more than the samples have, then rows.
func transform8(to []uint8, stride int, b *[64]int32, used uint64) {
	for i := range 8 {
		if used&(column<<i) == 0 {
			v := b[i] << passBits
			for k := i; k < 64; k += 8 {
				b[k] = v
			}
			continue
		}
		const shift, half = constBits - passBits, 1 << (constBits - passBits - 1)
		c0, c1, c2, c3, c4, c5, c6, c7 := b[i], b[i+8], b[i+16], b[i+24], b[i+32], b[i+40], b[i+48], b[i+56]
		z1 := (c2 + c6) * fix0541196100
		t2, t3 := z1-c6*fix1847759065, z1+c2*fix0765366865
		t0, t1 := (c0+c4)<<constBits+half, (c0-c4)<<constBits+half
		a0, a3, a1, a2 := t0+t3, t0-t3, t1+t2, t1-t2
		o0, o1, o2, o3 := odd(c7, c5, c3, c1)
		b[i], b[i+56] = (a0+o3)>>shift, (a0-o3)>>shift
		b[i+8], b[i+48] = (a1+o2)>>shift, (a1-o2)>>shift
		b[i+16], b[i+40] = (a2+o1)>>shift, (a2-o1)>>shift
		b[i+24], b[i+32] = (a3+o0)>>shift, (a3-o0)>>shift
	}
	for i := range 8 {
		const shift, half = constBits + passBits + 3, 1 << (constBits + passBits + 2)
		c := (*[8]int32)(b[8*i:])
		row := (*[8]uint8)(to[i*stride:])
		z2, z3 := c[2], c[6]
		z1 := (z2 + z3) * fix0541196100
		t2, t3 := z1-z3*fix1847759065, z1+z2*fix0765366865
		t0, t1 := (c[0]+c[4])<<constBits+half, (c[0]-c[4])<<constBits+half
		a0, a3, a1, a2 := t0+t3, t0-t3, t1+t2, t1-t2
		o0, o1, o2, o3 := odd(c[7], c[5], c[3], c[1])
		row[0], row[7] = level((a0+o3)>>shift), level((a0-o3)>>shift)
		row[1], row[6] = level((a1+o2)>>shift), level((a1-o2)>>shift)
		row[2], row[5] = level((a2+o1)>>shift), level((a2-o1)>>shift)
		row[3], row[4] = level((a3+o0)>>shift), level((a3-o0)>>shift)
	}
}

// odd is the part of the coefficients 7, 5, 3, 1. Its products are gathered, so that it is short enough to
// be inlined.
func odd(c7, c5, c3, c1 int32) (o0, o1, o2, o3 int32) {
	z5 := (c7 + c3 + c5 + c1) * fix1175875602
	z3, z4 := z5-(c7+c3)*fix1961570560, z5-(c5+c1)*fix0390180644
	z1, z2 := (c7+c1)*fix0899976223, (c5+c3)*fix2562915447
	return c7*fix0298631336 - z1 + z3, c5*fix2053119869 - z2 + z4, c3*fix3072711026 - z2 + z3, c1*fix1501321110 - z1 + z4
}

// transform4 makes 4×4 samples of the coefficients, as jidctred.c does: those of the middle row and column
// count for nothing.
func transform4(to []uint8, stride int, b *[64]int32) {
	for i := range 8 {
		if i == 4 {
			continue
		}
		const shift = constBits - passBits + 1
		b[i], b[i+8], b[i+16], b[i+24] = four(b[i], b[i+8], b[i+16], b[i+24], b[i+40], b[i+48], b[i+56], shift)
	}
	for i := range 4 {
		const shift = constBits + passBits + 3 + 1
		c := (*[8]int32)(b[8*i:])
		row := (*[4]uint8)(to[i*stride:])
		v0, v1, v2, v3 := four(c[0], c[1], c[2], c[3], c[5], c[6], c[7], shift)
		row[0], row[1], row[2], row[3] = level(v0), level(v1), level(v2), level(v3)
	}
}

func four(c0, c1, c2, c3, c5, c6, c7 int32, shift uint) (v0, v1, v2, v3 int32) {
	half := int32(1) << (shift - 1)
	t0 := c0<<(constBits+1) + half
	t2 := c2*fix1847759065 - c6*fix0765366865
	a0, a2 := t0+t2, t0-t2
	o0 := -c7*fix0211164243 + c5*fix1451774981 - c3*fix2172734803 + c1*fix1061594337
	o2 := -c7*fix0509795579 - c5*fix0601344887 + c3*fix0899976223 + c1*fix2562915447
	return (a0 + o2) >> shift, (a2 + o0) >> shift, (a2 - o0) >> shift, (a0 - o2) >> shift
}

// transform2 makes 2×2 samples, of the first and the odd rows and columns.
func transform2(to []uint8, stride int, b *[64]int32) {
	for _, i := range [5]int{0, 1, 3, 5, 7} {
		const shift = constBits - passBits + 2
		b[i], b[i+8] = two(b[i], b[i+8], b[i+24], b[i+40], b[i+56], shift)
	}
	for i := range 2 {
		const shift = constBits + passBits + 3 + 2
		c := (*[8]int32)(b[8*i:])
		v0, v1 := two(c[0], c[1], c[3], c[5], c[7], shift)
		to[i*stride], to[i*stride+1] = level(v0), level(v1)
	}
}

func two(c0, c1, c3, c5, c7 int32, shift uint) (v0, v1 int32) {
	t := c0<<(constBits+2) + 1<<(shift-1)
	o := -c7*fix0720959822 + c5*fix0850430095 - c3*fix1272758580 + c1*fix3624509785
	return (t + o) >> shift, (t - o) >> shift
}
