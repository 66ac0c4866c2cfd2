package main

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command of the documentation: its words, and what is said of it at its end.
type documented struct {
	line  string
	words []string
	note  string
}

var (
	shellWord = regexp.MustCompile(`'[^']*'|\S+`)
	pictureIn = regexp.MustCompile(`!\[[^]]+\]\(([^)]+)\)`)
)

// documentedCommands are the lines of code that call zoo.
func documentedCommands(text string) []documented {
	var list []documented
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "    zoo ")
		if !ok {
			continue
		}
		code, note, _ := strings.Cut(strings.TrimSpace(code), " # ")
		d := documented{line: strings.TrimSpace(line), note: note}
		for _, w := range shellWord.FindAllString(code, -1) {
			d.words = append(d.words, strings.Trim(w, "'"))
		}
		list = append(list, d)
	}
	return list
}

// The commands of the lecture run as they stand, and make the pictures that stand above them. What needs all of
// CIFAR-10 runs with ZOO_LONG alone, and what takes minutes is planned, not trained.
func TestTheLectureIsMadeByItsCommands(t *testing.T) {
	docs, err := filepath.Abs("../../.docs")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, "lecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	cifar := unpackedCIFAR(t)
	dir := t.TempDir()
	photo := false
	if data := os.Getenv("ZOO_TESTDATA"); data != "" {
		file, err := os.ReadFile(filepath.Join(data, "photos", "chelsea.png"))
		if err != nil {
			t.Fatal(err)
		}
		photo = os.WriteFile(filepath.Join(dir, "cat.png"), file, 0o666) == nil
	}
	t.Chdir(dir)
	t.Setenv("ZOO_OFFLINE", "1")
	t.Setenv("ZOO_CACHE", filepath.Join(dir, "cache"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	made := map[string]bool{}
	commands := documentedCommands(string(text))
	if len(commands) < 20 {
		t.Fatalf("%d commands are found", len(commands))
	}
	for _, c := range commands {
		t.Run(c.line, func(t *testing.T) {
			args := append([]string{}, c.words...)
			code, want := 0, ""
			for i, a := range args {
				switch {
				case a == "cat.png" && !photo:
					t.Skip("ZOO_TESTDATA is not set: there is no photograph")
				case a == "cifar-10" && cifar == "":
					t.Skip("CIFAR-10 is not here, or ZOO_LONG is not set")
				case a == "cifar-10":
					args[i] = "cifar-10=" + cifar
				case strings.HasPrefix(a, "runs/depth") && args[0] == "curves":
					t.Skip("the runs take minutes")
				}
			}
			switch {
			case strings.HasPrefix(c.note, "fetched"):
				code, want = 1, "ZOO_OFFLINE forbids"
			case strings.Contains(c.note, "minutes"):
				args = append(args, "--dry-run")
			}
			var out bytes.Buffer
			if got := run(context.Background(), args, &out, &out); got != code || !strings.Contains(out.String(), want) {
				t.Fatalf("exit code %d: %s", got, &out)
			}
			if name := args[len(args)-1]; filepath.Ext(name) == ".png" && code == 0 {
				made[name] = true
				kept := filepath.Join(docs, "lecture", name)
				d, err := apartFrom(kept, name)
				if err != nil {
					t.Fatal(err)
				}
				// Another processor adds in another order, which a training carries on.
				if d > 4 && name != "epochs.png" {
					t.Errorf("%s differs from what the command makes by %.1f of 255 a pixel", kept, d)
				}
			}
		})
	}

	shown := pictureIn.FindAllStringSubmatchIndex(string(text), -1)
	bytesInAll := int64(0)
	for _, at := range shown {
		name := string(text[at[2]:at[3]])
		info, err := os.Stat(filepath.Join(docs, name))
		if err != nil {
			t.Error(err)
			continue
		}
		bytesInAll += info.Size()
		// The first code below the picture makes it.
		code := documentedCommands(string(text[at[1]:]))
		found := false
		for _, c := range code[:min(5, len(code))] {
			found = found || c.words[len(c.words)-1] == filepath.Base(name)
		}
		if !found {
			t.Errorf("no command below %s makes it", name)
		}
	}
	if len(shown) < 8 || bytesInAll > 1<<20 {
		t.Errorf("%d pictures of %d bytes", len(shown), bytesInAll)
	}
	files, err := filepath.Glob(filepath.Join(docs, "lecture", "*"))
	if err != nil || len(files) < 8 {
		t.Errorf("%d pictures, %v", len(files), err)
	}
	for _, f := range files {
		if !bytes.Contains(text, []byte("(lecture/"+filepath.Base(f)+")")) {
			t.Errorf("%s is shown nowhere", f)
		}
	}
}

// apartFrom is the mean difference of two pictures of one size, from 0 to 255.
func apartFrom(a, b string) (float64, error) {
	var images [2]image.Image
	for i, name := range []string{a, b} {
		file, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		images[i], err = png.Decode(file)
		file.Close()
		if err != nil {
			return 0, err
		}
	}
	box := images[0].Bounds()
	if box != images[1].Bounds() {
		return math.Inf(1), nil
	}
	sum := 0.0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			r, g, b, _ := images[0].At(x, y).RGBA()
			r2, g2, b2, _ := images[1].At(x, y).RGBA()
			sum += math.Abs(float64(r)-float64(r2)) + math.Abs(float64(g)-float64(g2)) + math.Abs(float64(b)-float64(b2))
		}
	}
	return sum / 3 / 257 / float64(box.Dx()*box.Dy()), nil
}

// unpackedCIFAR is a folder with CIFAR-10's binary files, made of the test data; empty without.
func unpackedCIFAR(t *testing.T) string {
	t.Helper()
	data := os.Getenv("ZOO_TESTDATA")
	if data == "" || os.Getenv("ZOO_LONG") == "" {
		return ""
	}
	dir := t.TempDir()
	c := exec.Command("go", "run", ".", "..", dir)
	c.Dir = filepath.Join(data, "cifar10", "unpack")
	if text, err := c.CombinedOutput(); err != nil {
		t.Logf("CIFAR-10 cannot be unpacked: %v: %s", err, text)
		return ""
	}
	if inner, err := filepath.Glob(filepath.Join(dir, "*", "test_batch.bin")); err == nil && len(inner) == 1 {
		return filepath.Dir(inner[0])
	}
	return dir
}
