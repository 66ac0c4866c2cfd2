// Package nearest finds the name that was probably meant, for errors that help.
package nearest

import "fmt"

// Hint is the end of an error for a name that is none of those.
func Hint(name string, names []string) string {
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
