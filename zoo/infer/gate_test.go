package infer

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheGateLetsInWhatFitsAndLargeOnesAlone(t *testing.T) {
	var g gate
	var inside, most, alone atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			bytes := []int64{gateBytes / 3, gateBytes / 2, 1000, 5 * gateBytes}[i%4]
			took := g.enter(bytes)
			now := inside.Add(min(bytes, gateBytes))
			for {
				before := most.Load()
				if now <= before || most.CompareAndSwap(before, now) {
					break
				}
			}
			if bytes > gateBytes && now != gateBytes {
				alone.Add(1)
			}
			time.Sleep(time.Millisecond)
			inside.Add(-min(bytes, gateBytes))
			g.leave(took)
		})
	}
	all.Wait()
	if most.Load() > gateBytes || alone.Load() > 0 || g.inside != 0 {
		t.Errorf("up to %d bytes inside at once, %d large ones not alone, %d left", most.Load(), alone.Load(), g.inside)
	}
	if most.Load() <= gateBytes/2 {
		t.Error("never more than one was inside")
	}
}
