package kernel

import (
	"fmt"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// check panics unless a's data holds what its dimensions say.
func check(op string, a Act) {
	if err := a.Validate(); err != nil {
		panic(fmt.Sprintf("kernel: %s: %v", op, err))
	}
}

// A transposeTask converts between the layouts, a run of pixels of one channel block a task.
type transposeTask struct {
	plain   []float32
	act     Act
	chunks  int // of vecChunk/Block pixels, in an image
	convert simd.Transposer
}

var transposeTasks = sync.Pool{New: func() any { return new(transposeTask) }}

// Task converts the task's pixels.
func (t *transposeTask) Task(task, _ int) {
	plane, blocks := t.act.H*t.act.W, Blocks(t.act.C)
	chunk, block, image := task%t.chunks, task/t.chunks%blocks, task/t.chunks/blocks
	from := chunk * (vecChunk / Block)
	plain := &t.plain[(image*t.act.C+block*Block)*plane+from]
	blocked := &t.act.Data[image*t.act.Stride+(block*plane+from)*Block]
	t.convert(plain, blocked, plane, min(vecChunk/Block, plane-from), min(Block, t.act.C-block*Block))
}

func runTranspose(op string, p *Pool, plain []float32, act Act, convert simd.Transposer) {
	check(op, act)
	if want := act.N * act.C * act.H * act.W; len(plain) != want {
		panic(fmt.Sprintf("kernel: %s: plain batch has %d floats, want %d×%d×%d×%d", op, len(plain), act.N, act.C, act.H, act.W))
	}
	t := transposeTasks.Get().(*transposeTask)
	t.plain, t.act, t.convert = plain, act, convert
	t.chunks = (act.H*act.W*Block + vecChunk - 1) / vecChunk
	runTasks(p, act.N*Blocks(act.C)*t.chunks, BlockedLen(act.N, act.C, act.H, act.W), t)
	*t = transposeTask{}
	transposeTasks.Put(t)
}

// ToBlocked copies a plain N×C×H×W batch to the blocked layout; lanes beyond C become zero.
func ToBlocked(p *Pool, plain []float32, y Act) {
	runTranspose("ToBlocked", p, plain, y, simd.Loops().ToBlocked)
}

// FromBlocked copies a batch in the blocked layout to a plain N×C×H×W one.
func FromBlocked(p *Pool, x Act, plain []float32) {
	runTranspose("FromBlocked", p, plain, x, simd.Loops().FromBlocked)
}

// A copyTask copies channels, a run of pixels of one image a task.
type copyTask struct {
	src, dst       Act
	from, to, n    int
	pixels, chunks int // pixels of a task, tasks of an image
	copy           simd.LaneCopier
}

var copyTasks = sync.Pool{New: func() any { return new(copyTask) }}

// CopyChannels copies channels from..from+channels of src to channels to..to+channels of dst, or adds
// them if accumulate is set. Other channels of dst stay as they are. It is fast where from, to and
// channels are multiples of 16.
func CopyChannels(p *Pool, src Act, from int, dst Act, to, channels int, accumulate bool) {
	check("CopyChannels", src)
	check("CopyChannels", dst)
	if src.N != dst.N || src.H != dst.H || src.W != dst.W {
		panic(fmt.Sprintf("kernel: CopyChannels: from %d×%d×%d×%d to %d×%d×%d×%d", src.N, src.C, src.H, src.W, dst.N, dst.C, dst.H, dst.W))
	}
	if from < 0 || to < 0 || channels < 0 || from+channels > src.C || to+channels > dst.C {
		panic(fmt.Sprintf("kernel: CopyChannels: %d channels from %d of %d to %d of %d", channels, from, src.C, to, dst.C))
	}
	if channels == 0 || src.H*src.W == 0 {
		return
	}
	t := copyTasks.Get().(*copyTask)
	t.src, t.dst, t.from, t.to, t.n, t.copy = src, dst, from, to, channels, simd.Loops().CopyLanes
	if accumulate {
		t.copy = simd.Loops().AddLanes
	}
	t.pixels = max(16, vecChunk/(Blocks(channels)*Block))
	t.chunks = (src.H*src.W + t.pixels - 1) / t.pixels
	runTasks(p, src.N*t.chunks, BlockedLen(src.N, channels, src.H, src.W), t)
	*t = copyTask{}
	copyTasks.Put(t)
}

// Task copies the task's pixels.
func (t *copyTask) Task(task, _ int) {
	plane := t.src.H * t.src.W
	image, first := task/t.chunks, task%t.chunks*t.pixels
	last := min(first+t.pixels, plane)
	for done := 0; done < t.n; {
		s, d := t.from+done, t.to+done
		n := min(Block-s%Block, Block-d%Block, t.n-done) // channels that share a block on either side
		x := &t.src.Data[image*t.src.Stride+(s/Block*plane+first)*Block+s%Block]
		y := &t.dst.Data[image*t.dst.Stride+(d/Block*plane+first)*Block+d%Block]
		t.copy(x, y, last-first, n)
		done += n
	}
}
