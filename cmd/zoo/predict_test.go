package main

import (
	"os"
	"testing"
)

// A picture that cannot be read is told in plain words, one line for each, and the others are still predicted.
func TestPicturesThatCannotBeReadAreNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("text.txt", []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, text := commanded(t, []string{"predict", "lenet5-fashion-mnist", "none.png", "text.txt/1.png", "none/2.png"})
	want := `zoo: none.png: there is no such file or folder
zoo: text.txt/1.png: text.txt is a file, not a folder
zoo: none/2.png: there is no such file or folder; none is missing, too
zoo: 3 of 3 images could not be read
`
	if code != 1 || text != want {
		t.Errorf("code %d, want 1:\n%swant:\n%s", code, text, want)
	}
}
