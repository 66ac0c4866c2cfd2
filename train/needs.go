package train

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// affordable refuses a network whose parameters alone are more than the machine's memory, before anything is allocated.
func (t *Trainer) affordable() error {
	parameters := int64(0)
	for _, p := range t.params.All() {
		n := int64(1)
		for _, d := range p.Shape {
			if n > 1<<50/int64(max(d, 1)) {
				n = 1 << 50
				break
			}
			n *= int64(d)
		}
		parameters += n
	}
	need := 4 * parameters * 3 // with a gradient and a state of the optimiser
	return fitsMemory(t.net.Name, need, fmt.Sprintf("%s parameters with their gradients and the optimiser's state", report.Group(parameters)))
}

// fitsMemory says that a need is more than the machine has.
func fitsMemory(name string, need int64, what string) error {
	if have := machineMemory(); have > 0 && need > have {
		return fmt.Errorf("%s: needs %s of memory for %s; this machine has %s", name, report.Bytes(need), what, report.Bytes(have))
	}
	return nil
}

// disk is what the run's folder may hold at a time, in bytes: last and best weights, the state, the two that are
// written aside, and those of epochs that are kept.
func (t *Trainer) disk() int64 {
	weights, state := int64(0), int64(0)
	for _, p := range t.params.All() {
		weights += 4 * int64(p.Len())
	}
	for _, s := range t.progress() {
		state += 4 * int64(len(s.Data))
	}
	const rest = 2 << 20 // pictures, texts, headers
	kept := int64(0)
	if t.cfg.Keep > 0 {
		kept = int64((t.cfg.Epochs + t.cfg.Keep - 1) / t.cfg.Keep)
	}
	return (3+kept)*weights + 2*state + rest
}

// fitsDisk says that a need is more than there is room for.
func fitsDisk(folder string, need int64) error {
	if have := freeDisk(folder); have >= 0 && need > have {
		return fmt.Errorf("%s: the run needs up to %s on the disk, and %s are free", folder, report.Bytes(need), report.Bytes(have))
	}
	return nil
}
