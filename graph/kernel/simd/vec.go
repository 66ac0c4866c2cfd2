package simd

// An Elementwise loop does n elements of up to four operands, with scalars at s. Which of them is which, and how many
// there are, is the loop's business.
type Elementwise func(a, b, c, d, s *float32, n int)

// A Numbered loop also knows the number of its first element, from, and a key of three words at k.
type Numbered func(x, y, s *float32, k *uint32, from, n int)

// A Transposer converts a run of pixels of up to sixteen channels, which in the plain layout lie
// plane floats apart.
type Transposer func(plain, blocked *float32, plane, pixels, channels int)

// A LaneCopier copies or adds the first n of every sixteen floats.
type LaneCopier func(x, y *float32, pixels, n int)

// MaxScalars is the most scalars of an [Elementwise] loop.
const MaxScalars = 9
