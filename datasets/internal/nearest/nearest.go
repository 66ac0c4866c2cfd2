package nearest

import "strings"

// The same file stands in packages train/recipe, weights and datasets/internal/nearest: each imports nothing of ours, and
// a test of cmd/zoo holds them to each other.

// Nearest gives the name in of that name was probably meant to be, or "" if
// none is close; errors ask "did you mean …?" with it. Letter case does not
// count. Close is a Damerau-Levenshtein distance (adjacent letters may swap,
// none is edited twice) of at most a third of the longer name, rounded up, and
// never more than three; failing that, a name that goes on after name ("alex",
// "alexnet"), or one that ends as the other does after a dot
// ("module.fc.bias", "fc.bias"). Of equally close ones the first wins.
func Nearest(name string, of []string) string {
	if name == "" {
		return ""
	}
	low := []rune(strings.ToLower(name))
	best, bestDistance := "", 4
	for _, candidate := range of {
		c := []rune(strings.ToLower(candidate))
		longer := max(len(c), len(low))
		limit := min(3, (longer+2)/3, longer-1, bestDistance-1)
		if d := len(c) - len(low); d > limit || -d > limit {
			continue
		}
		if d := distance(low, c); d <= limit {
			best, bestDistance = candidate, d
		}
	}
	if best != "" || len(low) < 2 {
		return best
	}
	l := strings.ToLower(name)
	for _, candidate := range of {
		c := strings.ToLower(candidate)
		if !strings.HasPrefix(c, l) && !strings.HasSuffix(c, "."+l) && (c == "" || !strings.HasSuffix(l, "."+c)) {
			continue
		}
		if best == "" || len(candidate) < len(best) {
			best = candidate
		}
	}
	return best
}

// distance is the restricted Damerau-Levenshtein distance, in three rows.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
