package lanes

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/reg"
)

// checkRegisters refuses AVX2 functions that use registers which only AVX-512 processors have.
func checkRegisters(file *ir.File) error {
	for _, fn := range file.Functions() {
		if !strings.HasSuffix(fn.Name, "AVX2") {
			continue
		}
		for _, i := range fn.Instructions() {
			for _, r := range i.Registers() {
				p, ok := r.(reg.Physical)
				if ok && p.Kind() == reg.KindVector && (p.PhysicalIndex() > 15 || p.Size() > 32) {
					return fmt.Errorf("%s needs more than the sixteen YMM registers of AVX2", fn.Name)
				}
			}
		}
	}
	return nil
}
