package graph

import (
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// defaultPool has a thread for each core.
var defaultPool = sync.OnceValue(func() *kernel.Pool { return kernel.NewPool(0) })

// A pool runs one program at a time. Machines in several goroutines each borrow one for a run; as many are made as
// run at once.
var idle struct {
	sync.Mutex
	pools []*kernel.Pool
}

func borrow() *kernel.Pool {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.pools); n > 0 {
		p := idle.pools[n-1]
		idle.pools = idle.pools[:n-1]
		return p
	}
	return kernel.NewPool(defaultPool().Threads())
}

func giveBack(p *kernel.Pool) {
	idle.Lock()
	defer idle.Unlock()
	idle.pools = append(idle.pools, p)
}
