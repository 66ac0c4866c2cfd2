package kernel

// ChannelMeans writes the mean over N, H and W of each channel of x, or of its squared distance from about
// if that is not nil: the biased variance where about is the mean. Sums are taken in float64, one channel
// by one thread. It is for batch normalisation over several processes, which need both apart.
func ChannelMeans(p *Pool, x Act, about, mean []float32) {
	wantAct("ChannelMeans", "x", &x, x.N, x.C, x.H, x.W)
	wantOptional("ChannelMeans", "about", about, x.C)
	wantLen("ChannelMeans", "mean", len(mean), x.C)
	p.Run(Blocks(x.C), taskFunc(func(block int) {
		var sum [Block]float64
		first := block * Block
		lanes := min(Block, x.C-first)
		var center [Block]float32
		if about != nil {
			copy(center[:lanes], about[first:])
		}
		for n := range x.N {
			pixels := x.Plane(n*Blocks(x.C) + block)
			for at := 0; at < len(pixels); at += Block {
				for lane, v := range pixels[at : at+lanes] {
					d := float64(v) - float64(center[lane])
					if about != nil {
						d *= d
					}
					sum[lane] += d
				}
			}
		}
		for lane := range lanes {
			mean[first+lane] = float32(sum[lane] / float64(x.N*x.H*x.W))
		}
	}))
}

// ChannelAffineAdd writes act(x·scale + shift + add), scale and shift being one number for each channel and
// add nil for none. y may be x or add, and act keeps zero.
func ChannelAffineAdd(p *Pool, x Act, scale, shift []float32, add *Act, y Act, act Activation) {
	wantAct("ChannelAffineAdd", "x", &x, x.N, x.C, x.H, x.W)
	wantAct("ChannelAffineAdd", "y", &y, x.N, x.C, x.H, x.W)
	wantLen("ChannelAffineAdd", "scale", len(scale), x.C)
	wantLen("ChannelAffineAdd", "shift", len(shift), x.C)
	if add != nil {
		wantAct("ChannelAffineAdd", "add", add, x.N, x.C, x.H, x.W)
	}
	p.Run(x.N*Blocks(x.C), taskFunc(func(task int) {
		first := task % Blocks(x.C) * Block
		lanes := min(Block, x.C-first)
		in, out := x.Plane(task), y.Plane(task)
		var also []float32
		if add != nil {
			also = add.Plane(task)
		}
		for at := 0; at < len(in); at += Block {
			for lane := range lanes {
				v := float32(in[at+lane]*scale[first+lane]) + shift[first+lane]
				if also != nil {
					v += also[at+lane]
				}
				out[at+lane] = v
			}
			clear(out[at+lanes : at+Block])
		}
	}))
	if act == (Activation{}) {
		return
	}
	image := Blocks(y.C) * y.H * y.W * Block
	for n := range y.N {
		v := y.Data[n*y.Stride:][:image]
		Activate(p, act, v, v)
	}
}

// taskFunc is a function of the task's number as a [Tasker].
type taskFunc func(task int)

// Task calls the function.
func (f taskFunc) Task(task, _ int) { f(task) }
