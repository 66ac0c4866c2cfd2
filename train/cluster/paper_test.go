package cluster

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// A measured network: what a machine takes for a step of 32 images (zoo bench, two cores with AVX-512), and the
// bytes of the gradients, auxiliary classifiers' included.
type measured struct {
	name  string
	step  float64 // seconds
	bytes float64
}

var networksOnPaper = []measured{
	{"alexnet", 0.550, 4 * 60_965_224},
	{"vgg16", 2 * 2.355, 4 * 138_357_544}, // two steps of 16
	{"googlenet", 1.064, 4 * 13_378_280},
	{"resnet50", 3.313, 4 * 25_557_032},
}

// latency is what a message over TCP takes besides its bytes.
const latency = 50e-6

// ring is the time in which n machines add up so many bytes in a ring: each sends a piece to its neighbour n-1 times
// to add up, and n-1 times to tell.
func ring(bytes, bitsPerSecond float64, n int) float64 {
	return 2 * float64(n-1) * (bytes/float64(n)*8/bitsPerSecond + latency)
}

// tree is the time of a binomial tree, up to add and down to tell, all bytes at each of its levels.
func tree(bytes, bitsPerSecond float64, n int) float64 {
	return 2 * math.Log2(float64(n)) * (bytes*8/bitsPerSecond + latency)
}

// onPaper is the efficiency of many machines, each with a batch of 32 and so many times as fast as the one that was
// measured: the part of a step that is not spent on adding gradients up after it.
func onPaper(times float64) string {
	var b strings.Builder
	b.WriteString("| Network | Gbit/s | 8: ring | half | tree | 64: ring | half | tree | 512: ring | half | tree |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, net := range networksOnPaper {
		for _, gigabits := range []float64{10, 25, 100} {
			fmt.Fprintf(&b, "| %s | %g ", net.name, gigabits)
			for _, n := range []int{8, 64, 512} {
				step := net.step / times
				for _, sum := range []float64{ring(net.bytes, 1e9*gigabits, n), ring(net.bytes/2, 1e9*gigabits, n), tree(net.bytes, 1e9*gigabits, n)} {
					fmt.Fprintf(&b, "| %.0f ", 100*step/(step+sum))
				}
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// The documentation's tables are those that follow from what was measured.
func TestTheDocumentationTellsWhatFollowsOnPaper(t *testing.T) {
	const path = "../../.docs/cluster.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range []float64{1, 16} {
		if want := onPaper(times); !strings.Contains(string(text), want) {
			t.Errorf("%s: the table for machines %g times as fast should be\n%s", path, times, want)
		}
	}
}

// The models on cases that can be counted by hand.
func TestOnPaper(t *testing.T) {
	// 4 machines, 1 GB at 8 Gbit/s: a ring sends six quarters, a tree four times all of it.
	if got := ring(1e9, 8e9, 4); math.Abs(got-(1.5+6*latency)) > 1e-9 {
		t.Errorf("ring: %g s", got)
	}
	if got := tree(1e9, 8e9, 4); math.Abs(got-(4+4*latency)) > 1e-9 {
		t.Errorf("tree: %g s", got)
	}
}
