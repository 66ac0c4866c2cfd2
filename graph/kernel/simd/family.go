package simd

import (
	"fmt"
	"os"
	"strings"
)

// A Family is a set of kernels for one kind of processor.
type Family int

// The families, slowest first.
const (
	Generic Family = iota // Go, anywhere
	AVX2                  // x86-64 with AVX2, FMA, BMI2 and F16C
	AVX512                // x86-64 with AVX-512 F, BW, DQ and VL
	NEON                  // arm64
)

var familyNames = [...]string{"generic", "avx2", "avx512", "neon"}

// String returns the name that ZOO_KERNEL knows the family by.
func (f Family) String() string {
	if f < 0 || int(f) >= len(familyNames) {
		return fmt.Sprintf("Family(%d)", int(f))
	}
	return familyNames[f]
}

// family is the one in use: set once at the start, and by tests.
var family = startFamily()

// familyError is what was wrong with the environment's choice.
var familyError error

// startFamily returns the fastest family, or the one that the environment variable ZOO_KERNEL names.
func startFamily() Family {
	all := Families()
	best := all[len(all)-1]
	name := os.Getenv("ZOO_KERNEL")
	if name == "" {
		return best
	}
	f, err := ParseFamily(name)
	if err != nil {
		familyError = fmt.Errorf("environment variable ZOO_KERNEL: %w", err)
		return best
	}
	return f
}

// Families returns the families that this processor (and this build) has, slowest first.
func Families() []Family {
	all := []Family{Generic}
	if hasAVX2 {
		all = append(all, AVX2)
	}
	if hasAVX512 {
		all = append(all, AVX512)
	}
	if hasNEON {
		all = append(all, NEON)
	}
	return all
}

// ParseFamily returns the family of the given name, if this processor has it.
func ParseFamily(name string) (Family, error) {
	var have []string
	for _, f := range Families() {
		if strings.EqualFold(name, f.String()) {
			return f, nil
		}
		have = append(have, f.String())
	}
	return 0, fmt.Errorf("no kernel family %q on this processor: use one of %s", name, strings.Join(have, ", "))
}

// CurrentFamily returns the family in use: the fastest, unless the environment variable ZOO_KERNEL
// (generic, avx2, avx512 or neon) or [SetFamily] chose another.
func CurrentFamily() Family { return family }

// FamilyError returns what was wrong with ZOO_KERNEL, which was then left unheeded; nil if nothing.
func FamilyError() error { return familyError }

// SetFamily chooses the family for all kernels that start after it. It must not be called while a
// kernel runs, and plans made before it must not be used after it.
func SetFamily(f Family) error {
	for _, have := range Families() {
		if f == have {
			family, active = f, tables[f]
			return nil
		}
	}
	_, err := ParseFamily(f.String())
	return err
}
