package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An effect is what a flag changes that one can see. OUT in arguments is a name that is not taken; what is shown of a
// command is its output, and the files that it wrote there.
type effect struct {
	base, flag []string // arguments, and what is added to them
	want       string   // stands in what is shown with the flag alone
	gone       string   // stands in what is shown without it alone
	differs    string   // finds something in both that is not the same
	in         string   // another test's file, which has the flag and says what it does
}

func words(text string) []string { return strings.Fields(text) }

// effects has an entry for each flag of each verb. Whoever adds a flag says here what it does.
func effects() map[string]effect {
	const train = "train lenet5 --limit 64 --batch 16 --epochs 1 --set val_limit=50 --out OUT"
	const loss = `val loss ([0-9.]+)`
	const eval = "eval r --limit 40"
	const show = "data show fashion-mnist-small --images 4 --out OUT.png"
	const pixels = `([0-9]+×[0-9]+) pixels`
	const sum = `OUT.png [0-9]+ bytes ([0-9a-f]+)`
	const imported = "import r.pth --as lenet5 --output OUT.safetensors"
	const sumOf = `OUT.safetensors [0-9]+ bytes ([0-9a-f]+)`
	e := map[string]effect{
		"train --augment":  {base: words(train), flag: []string{"--augment", "crop(2)"}, want: `"crop\(`, differs: loss},
		"train --batch":    {base: words(train), flag: words("--batch 8"), want: `8 steps of 8 images`, differs: loss},
		"train --classes":  {base: words(train), flag: words("--classes 12"), want: `61,876 parameters`},
		"train --config":   {base: words("train --out OUT"), flag: words("--config r/config.json"), want: `lenet5 \(modern\) on fashion-mnist-small`},
		"train --data":     {base: words(train), flag: words("--data photos"), want: `lenet5 \(modern\) on photos`},
		"train --dry-run":  {base: words(train), flag: words("--dry-run"), want: `estimated time about`, gone: `epoch 1:`},
		"train --ensemble": {base: words(train), flag: words("--ensemble 2"), want: `member 2 of 2`},
		"train --epochs":   {base: words(train), flag: words("--epochs 2"), want: `epoch 2:`},
		"train --freeze":   {base: words(train), flag: words("--freeze c1"), want: `frozen\)`, differs: loss},
		"train --init":     {base: words(train), flag: words("--init r"), want: `begins with`, differs: loss},
		"train --input":    {base: words(train), flag: words("--input 1x32x32"), want: `images of 1×32×32`, differs: loss},
		"train --json":     {base: words(train), flag: words("--json"), want: `^\{"folder":"`},
		"train --limit":    {base: words(train), flag: words("--limit 32"), want: `32 training and`, differs: loss},
		"train --lr":       {base: words(train), flag: words("--lr 0.5"), want: `"lr": 0.5`, differs: loss},
		"train --out":      {base: words("train lenet5 --limit 64 --epochs 1 --set val_limit=50"), flag: words("--out OUT"), want: `run   o[0-9]+\n`},
		"train --recipe":   {base: words(train), flag: words("--recipe paper"), want: `"recipe": "paper"`, differs: loss},
		"train --seed":     {base: words(train), flag: words("--seed 9"), differs: loss},
		"train --set":      {base: words(train), flag: words("--set smoothing=0.5"), want: `"smoothing": 0.5`, differs: loss},
		"train --strict":   {base: words("train lenet5 --epochs 1 --data broken --out OUT"), flag: words("--strict"), gone: `left out  1 images`, want: `zoo: .*broken image`},
		"train --threads":  {base: words(train), flag: words("--threads 1"), want: ` 1 thread;`},
		"train --time":     {base: words("train lenet5 --limit 640 --epochs 3 --set val_limit=50 --out OUT"), flag: words("--time 1ns"), want: `ended by its time`},
		"train --val":      {base: words(train), flag: words("--val 0.3"), want: `chosen by 3,0\d\d of the 10,000 training images`, differs: loss},
		"train --variant":  {base: words(train), flag: words("--variant 1998"), want: `lenet5 \(1998\)`, differs: loss},

		"resume --epochs":  {base: words("resume copy:OUT"), flag: words("--epochs 2"), want: `epoch 2:`},
		"resume --json":    {base: words("resume copy:OUT"), flag: words("--json"), want: `^\{"folder":"`},
		"resume --lr":      {base: words("resume copy:OUT --epochs 2"), flag: words("--lr 0.5"), want: `optimizer.lr 0.08, now 0.5`, differs: `epoch 2: .*val loss ([0-9.]+)`},
		"resume --set":     {base: words("resume copy:OUT --epochs 2"), flag: words("--set smoothing=0.5"), want: `smoothing 0, now 0.5`, differs: `epoch 2: .*val loss ([0-9.]+)`},
		"resume --threads": {base: words("resume copy:OUT"), flag: words("--threads 1"), want: ` 1 thread;`},
		"resume --time":    {base: words("resume copy:OUT --epochs 3"), flag: words("--time 1ns"), want: `ended by its time`},

		"eval --batch":     {base: words(eval + " --json"), flag: words("--batch 7"), want: `"batch":7,`},
		"eval --confusion": {base: words(eval), flag: words("--confusion OUT.csv"), want: `class,T-shirt/top,Trouser,`},
		"eval --crops":     {base: words(eval), flag: words("--crops 10"), want: `One crop: top-1`},
		"eval --data":      {base: words("eval p"), flag: words("--data others"), want: `images of others`, gone: `images of photos`},
		"eval --ensemble":  {base: words("eval e --limit 40"), flag: words("--ensemble 1"), gone: `ensemble of 2`},
		"eval --flip":      {base: words(eval + " --json"), flag: words("--flip"), want: `"flip":true`, differs: `"loss":([0-9.]+)`},
		"eval --json":      {base: words(eval), flag: words("--json"), want: `^\{"data":"fashion-mnist-small","images":40,`},
		"eval --half":      {base: words("eval r --limit 40"), flag: words("--half"), want: `no weights of 16 bits`},
		"eval --limit":     {base: words("eval r"), flag: words("--limit 40"), want: `on 40 images`},
		"eval --part":      {base: words(eval), flag: words("--part train"), want: `train error`, gone: `test error`},
		"eval --report":    {base: words(eval), flag: words("--report OUT.csv"), want: `class,images,predicted,precision,recall\nT-shirt/top,`},
		"eval --strict":    {base: words("eval p --data broken"), flag: words("--strict"), want: `zoo: .*broken image`, gone: `1 image of broken cannot be read`},
		"eval --threads":   {base: words(eval + " --json"), flag: words("--threads 1"), want: `"threads":1,`},
		"eval --worst":     {base: words(eval), flag: words("--worst 2"), want: `Taken for`},

		"predict --half": {base: words("predict r photos/test/red/0.png"), flag: words("--half"), want: `no weights of 16 bits`},
		"predict --json": {base: words("predict r photos/test/red/0.png"), flag: words("--json"), want: `^\{"file":"photos/test/red/0.png","top":\[`},
		"predict --top":  {base: words("predict r photos/test/red/0.png"), flag: words("--top 1"), gone: `0.png\n  `},

		"data list --json":     {base: words("data list"), flag: words("--json"), want: `^\[\{"name":"`},
		"data show --augment":  {base: words(show), flag: []string{"--augment", "rotate(30)"}, want: `through rotate`},
		"data show --images":   {base: words(show), flag: words("--images 9"), differs: pixels},
		"data show --out":      {base: words("data show fashion-mnist-small --images 4"), flag: words("--out OUT.png"), want: `^o[0-9]+.png: `},
		"data show --part":     {base: words(show), flag: words("--part test"), want: `fashion-mnist-small/test`, differs: sum},
		"data show --seed":     {base: append(words(show), "--augment", "rotate(30)"), flag: words("--seed 2"), differs: sum},
		"data show --tile":     {base: words(show), flag: words("--tile 200"), differs: pixels},
		"data show --variants": {base: append(words(show), "--augment", "rotate(30)"), flag: words("--variants 3"), differs: pixels},
		"data verify --json":   {base: words("data verify photos"), flag: words("--json"), want: `^\{"name":"folder"`},
		"serve --half":         {in: "serve_test.go"},
		"data get --json":      {in: "data_test.go"},
		"data get --mirror":    {in: "data_test.go"},
		"data get --stall":     {in: "../../datasets/download/download_test.go"},

		"curves --label":  {base: words("curves r --output OUT.png"), flag: words("--label another"), differs: sum},
		"curves --max":    {base: words("curves r --output OUT.png"), flag: words("--max 40"), differs: sum},
		"curves --output": {base: words("curves r"), flag: words("--output OUT.png"), want: `^o[0-9]+.png\n`},
		"curves --y":      {base: words("curves r --output OUT.png"), flag: words("--y loss"), differs: sum},

		"bench --classes":        {base: words("bench lenet5 --batch 2 --seconds 0.01"), flag: words("--classes 2000"), differs: `memory ([0-9,.]+) `},
		"bench --input":          {base: words("bench lenet5 --batch 2 --seconds 0.01"), flag: words("--input 1x64x64"), differs: `memory ([0-9,.]+) `},
		"bench --variant":        {base: words("bench lenet5 --batch 2 --seconds 0.01 --json"), flag: words("--variant 1998"), want: `"variant":"1998"`},
		"import --channels":      {base: words(imported), flag: words("--channels bgr"), want: `bgr`},
		"import --crop":          {base: words(imported), flag: words("--crop 20"), want: `crop\W+20`},
		"import --input":         {base: words(imported), flag: words("--input 1x64x64"), want: `zoo: .*r.pth: `},
		"import --interpolation": {base: words(imported), flag: words("--interpolation bicubic"), want: `bicubic`},
		"import --key":           {base: words(imported), flag: words("--key nothing"), want: `zoo: .*nothing`},
		"import --rename":        {base: words(imported), flag: words("--rename fc1=fc9"), want: `zoo: --rename fc1=fc9`},
		"import --resize":        {base: words(imported), flag: words("--resize 30"), want: `resize\W+30`},
		"import --scale":         {base: words(imported), flag: words("--scale 255 --mean 100 --std 50"), want: `pixels from 0 to 255`},
		"import --seed":          {base: words(imported + " --classes two.txt --new-head"), flag: words("--seed 2"), differs: sumOf},
		"import --variant":       {base: words(imported), flag: words("--variant 1998"), want: `zoo: .*the tensors are not the network`},
		"export --softmax":       {base: words("export p --output OUT.onnx"), flag: words("--softmax"), differs: `OUT.onnx ([0-9]+) bytes`},
		"export --fold":          {base: words("export p --output OUT.onnx"), flag: words("--fold"), differs: `OUT.onnx ([0-9]+) bytes`},

		"serve --addr":       {in: "serve_flags_test.go"},
		"serve --batch":      {in: "serve_flags_test.go"},
		"serve --delay":      {in: "serve_flags_test.go"},
		"serve --ensemble":   {in: "serve_flags_test.go"},
		"serve --grace":      {in: "serve_flags_test.go"},
		"serve --log":        {in: "serve_flags_test.go"},
		"serve --max-bodies": {in: "serve_flags_test.go"},
		"serve --max-body":   {in: "serve_flags_test.go"},
		"serve --max-images": {in: "serve_flags_test.go"},
		"serve --max-pixels": {in: "serve_flags_test.go"},
		"serve --page":       {in: "serve_flags_test.go"},
		"serve --queue":      {in: "serve_flags_test.go"},
		"serve --reload":     {in: "serve_flags_test.go"},

		"version --json": {base: words("version"), flag: words("--json"), want: `^\{"version":"[^"]+","go":"go`},

		"--version": {base: nil, flag: words("--version"), want: `^zoo \S+\n$`},
	}
	return e
}

// elsewhere are verbs whose flags other tests show, in a file of each.
var elsewhere = map[string]string{
	"bench": "testdata/bench.txtar", "explain": "testdata/explain.txtar", "export": "testdata/export.txtar", "import": "testdata/import.txtar",
	"go": "testdata/go", "serve": "../../zoo/serve", "inspect": "testdata", "list": "testdata", "weights": "testdata",
}

func TestEveryFlagDoesSomething(t *testing.T) {
	table := effects()
	seen := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		verb := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "zoo"), " ")
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			name := strings.TrimSpace(verb + " --" + f.Name)
			e, ok := table[name]
			if place, other := elsewhere[strings.Fields(verb + " -")[0]]; !ok && other {
				if !mentioned(t, place, f) {
					t.Errorf("zoo %s: no test in %s has it: write one, or put the flag into the table of this test", name, place)
				}
				return
			}
			if !ok {
				t.Errorf("zoo %s: say in the table of this test what it does", name)
			}
			seen[name] = true
			if e.in != "" && !mentioned(t, e.in, f) {
				t.Errorf("zoo %s: %s does not have it", name, e.in)
			}
		})
		for _, s := range c.Commands() {
			if s.Name() != "help" && s.Name() != "completion" {
				walk(s)
			}
		}
	}
	walk(newRoot(&app{stdout: io.Discard, stderr: io.Discard}))
	for name := range table {
		if !seen[name] && name != "--version" {
			t.Errorf("zoo %s: there is no such flag any more", name)
		}
	}
	if t.Failed() {
		return
	}

	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	fixtures(t)
	number := 0
	bases := map[string]string{} // what is shown without the flag
	for name, e := range table {
		if e.in != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			number += 2
			key := strings.Join(e.base, " ")
			if bases[key] == "" {
				bases[key] = shownBy(t, fmt.Sprintf("o%d", number), e.base)
			}
			without := bases[key]
			with := shownBy(t, fmt.Sprintf("o%d", number+1), append(append([]string{}, e.base...), e.flag...))
			if e.want != "" && (!found(e.want, with) || found(e.want, without)) {
				t.Errorf("%q should be seen with the flag alone: with it\n%s\nwithout it\n%s", e.want, with, without)
			}
			if e.gone != "" && (found(e.gone, with) || !found(e.gone, without)) {
				t.Errorf("%q should be seen without the flag alone: with it\n%s\nwithout it\n%s", e.gone, with, without)
			}
			if e.differs != "" {
				a, b := regexp.MustCompile(e.differs).FindStringSubmatch(without), regexp.MustCompile(e.differs).FindStringSubmatch(with)
				if a == nil || b == nil || a[1] == b[1] {
					t.Errorf("%q should differ: %q and %q; with it\n%s\nwithout it\n%s", e.differs, a, b, with, without)
				}
			}
		})
	}
}

func found(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// mentioned reports whether a file, or one in a folder, has the flag.
func mentioned(t *testing.T, place string, f *pflag.Flag) bool {
	t.Helper()
	var files []string
	if st, err := os.Stat(place); err == nil && st.IsDir() {
		for _, pattern := range []string{"*.txtar", "*_test.go", "*/*.txtar"} {
			more, _ := filepath.Glob(filepath.Join(place, pattern))
			files = append(files, more...)
		}
	} else {
		files = []string{place}
	}
	field := "" // as a Go test has it: MaxBody
	for part := range strings.SplitSeq(f.Name, "-") {
		field += strings.ToUpper(part[:1]) + part[1:]
	}
	for _, file := range files {
		if filepath.Base(file) == "flags_test.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := string(text)
		if strings.Contains(s, "--"+f.Name) || f.Shorthand != "" && strings.Contains(s, " -"+f.Shorthand+" ") || strings.HasSuffix(file, ".go") && (strings.Contains(s, field) || strings.Contains(s, "for a program") && f.Name == "json") {
			return true
		}
	}
	return false
}

// fixtures are runs and folders for the flags to work on.
func fixtures(t *testing.T) {
	t.Helper()
	picture := func(path string, c color.RGBA) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		m := image.NewRGBA(image.Rect(0, 0, 28, 28))
		for i := range 28 * 28 {
			m.Set(i%28, i/28, color.RGBA{c.R, uint8(int(c.G) + i%40), c.B, 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		for class, c := range map[string]color.RGBA{"red": {200, 20, 20, 255}, "blue": {20, 20, 200, 255}} {
			c.G += uint8(5 * i)
			for _, part := range []string{"photos/train", "photos/test", "others", "broken"} {
				picture(fmt.Sprintf("%s/%s/%d.png", part, class, i), c)
			}
		}
	}
	if err := os.WriteFile("broken/red/3.png", []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("two.txt", []byte("one\ntwo\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"train lenet5 --limit 64 --batch 16 --epochs 1 --set val_limit=50 --out r",
		"train lenet5 --limit 64 --epochs 1 --set val_limit=50 --ensemble 2 --out e",
		"train resnet8 --data photos --epochs 1 --out p",
		"export r --output r.pth",
	} {
		if code, text := commanded(t, words(args)); code != 0 {
			t.Fatalf("zoo %s: %s", args, text)
		}
	}
}

// commanded runs the command and returns what it prints: standard output first.
func commanded(t *testing.T, args []string) (int, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

// shownBy runs the command and returns what it shows, the texts and sums of files that it wrote included.
func shownBy(t *testing.T, out string, args []string) string {
	t.Helper()
	own := make([]string, len(args))
	for i, a := range args {
		if rest, ok := strings.CutPrefix(a, "copy:"); ok {
			a = rest
			if err := os.CopyFS(strings.ReplaceAll(a, "OUT", out), os.DirFS("r")); err != nil {
				t.Fatal(err)
			}
		}
		own[i] = strings.ReplaceAll(a, "OUT", out)
	}
	_, text := commanded(t, own)
	for _, file := range []string{out + "/config.json", out + ".csv"} {
		if data, err := os.ReadFile(file); err == nil {
			text += string(data)
		}
	}
	for _, ending := range []string{".png", ".safetensors", ".onnx"} {
		if data, err := os.ReadFile(out + ending); err == nil {
			if ending == ".safetensors" {
				text += "\n" + strings.Map(func(r rune) rune {
					if r < ' ' || r > '~' {
						return -1
					}
					return r
				}, string(data[:min(len(data), 4000)]))
			}
			text += fmt.Sprintf("\nOUT%s %d bytes %x", ending, len(data), pixelSum(data))
		}
	}
	return text
}

func pixelSum(data []byte) (sum uint64) {
	for _, c := range data {
		sum = sum*1099511628211 + uint64(c) + 1
	}
	return sum
}
