package simd

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

// setFamily chooses a family for the rest of the test.
func setFamily(t testing.TB, f Family) {
	t.Helper()
	old := CurrentFamily()
	if err := SetFamily(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = SetFamily(old) })
}

func TestFamilies(t *testing.T) {
	t.Run("generic is everywhere", func(t *testing.T) {
		if Families()[0] != Generic {
			t.Errorf("families %v do not start with generic", Families())
		}
	})
	t.Run("each can be chosen, and found by name", func(t *testing.T) {
		for _, f := range Families() {
			setFamily(t, f)
			if CurrentFamily() != f {
				t.Errorf("set %v, got %v", f, CurrentFamily())
			}
			if got, err := ParseFamily(strings.ToUpper(f.String())); err != nil || got != f {
				t.Errorf("ParseFamily(%q) = %v, %v", f, got, err)
			}
		}
	})
	t.Run("an unknown one is refused with what there is", func(t *testing.T) {
		for _, err := range []error{SetFamily(Family(9)), second(ParseFamily("altivec"))} {
			if err == nil || !strings.Contains(err.Error(), "use one of generic") {
				t.Errorf("error %v does not list the families", err)
			}
		}
	})
}

func second(_ Family, err error) error { return err }

func TestFamilyFromEnvironment(t *testing.T) {
	if os.Getenv("KERNEL_FAMILY_CHILD") == "1" {
		message := ""
		if err := FamilyError(); err != nil {
			message = err.Error()
		}
		os.Stdout.WriteString("family=" + CurrentFamily().String() + " error=" + message + "\n")
		return
	}
	best := Families()[len(Families())-1].String()
	for _, c := range []struct{ name, value, want string }{
		{"generic is obeyed", "generic", "family=generic error=\n"},
		{"nothing means the fastest", "", "family=" + best + " error=\n"},
		{"an unknown one means the fastest, and an error that says so", "altivec", "family=" + best + ` error=environment variable ZOO_KERNEL: no kernel family "altivec"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestFamilyFromEnvironment$")
			child.Env = append(os.Environ(), "KERNEL_FAMILY_CHILD=1", "ZOO_KERNEL="+c.value)
			out, err := child.CombinedOutput()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("got %q, %v; want %q", out, err, c.want)
			}
		})
	}
}

// A family may grow loop by loop, and those that are here are grown: none of their loops is left to Go, but the copies that
// identities are.
func TestFamiliesHaveAllLoops(t *testing.T) {
	var functions func(path string, v reflect.Value, all map[string]uintptr)
	functions = func(path string, v reflect.Value, all map[string]uintptr) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				functions(v.Type().Field(i).Name, v.Field(i), all)
			}
		case reflect.Array, reflect.Slice:
			for i := range v.Len() {
				functions(fmt.Sprintf("%s[%d]", path, i), v.Index(i), all)
			}
		case reflect.Func:
			if !v.IsNil() {
				all[path] = v.Pointer()
			}
		}
	}
	generic := map[uintptr]string{}
	all := map[string]uintptr{}
	functions("", reflect.ValueOf(tableGeneric), all)
	for path, f := range all {
		generic[f] = path
	}
	for _, f := range Families()[1:] {
		own := map[string]uintptr{}
		functions("", reflect.ValueOf(*tables[f]), own)
		for path, p := range own {
			if _, ok := generic[p]; ok && !strings.HasPrefix(path, "Activate[0]") && !strings.HasPrefix(path, "ActivateGrad[0]") {
				t.Errorf("%v: %s is in Go", f, path)
			}
		}
	}
}
