// Package nearest finds the name that was probably meant, for errors that help.
package nearest

import (
	"fmt"
	"strings"
)

// Of returns the name that was probably meant, or nothing.
func Of(name string, names []string) string {
	best, near := 3+len(name)/3, ""
	for _, n := range names {
		if d := distance(strings.ToLower(name), n); d < best && d < max(len(name), len(n)) {
			best, near = d, n
		}
	}
	return near
}

// Hint is the end of an error for a name that is none of those.
func Hint(name string, names []string) string {
	if near := Of(name, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// distance is the number of letters to insert, delete or replace to get from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
