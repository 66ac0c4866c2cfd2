package labels

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestImageNetIsInTheOrderOfTheChallenge(t *testing.T) {
	names := ImageNet()
	if len(names) != 1000 {
		t.Fatalf("%d names", len(names))
	}
	for i, want := range map[int]string{0: "tench", 1: "goldfish", 2: "great white shark", 285: "Egyptian cat", 504: "coffee mug", 967: "espresso", 999: "toilet tissue"} {
		if names[i] != want {
			t.Errorf("class %d is %q, want %q", i, names[i], want)
		}
	}
	if n := len(CIFAR10()); n != 10 || CIFAR10()[3] != "cat" {
		t.Errorf("CIFAR-10 has %d names", n)
	}
	if n := len(CIFAR100()); n != 100 || !slices.IsSorted(CIFAR100()) {
		t.Errorf("CIFAR-100 has %d names", n)
	}
}

func TestWordNetsNumbersAreImageNetsClasses(t *testing.T) {
	for _, c := range []struct {
		name   string
		class  int
		number bool
	}{
		{"n01440764", 0, true}, {"n02123045_tabby", 281, true}, {"n02012849", 134, true}, {"n03710721 maillot", 639, true}, {"n15075141", 999, true},
		{"n99999999", -1, true}, {"n00000001-none", -1, true}, {"tench", -1, false}, {"n0144076", -1, false}, {"n014407644", -1, false}, {"xn01440764", -1, false}, {"", -1, false},
	} {
		if class, number := Synset(c.name); class != c.class || number != c.number {
			t.Errorf("%q is class %d, %v: want %d, %v", c.name, class, number, c.class, c.number)
		}
	}
	list := strings.Fields(synsets)
	if len(list) != len(ImageNet()) || !slices.IsSorted(list) {
		t.Errorf("%d numbers, sorted: %v", len(list), slices.IsSorted(list))
	}
}

func TestListsAreRead(t *testing.T) {
	three := []string{"cat", "dog, hound", "fox"}
	for _, tt := range []struct {
		name, file, text string
		want             []string
	}{
		{"a name a line", "classes.txt", "cat\ndog, hound\nfox\n", three},
		{"lines of Windows", "classes.txt", "\xef\xbb\xbfcat\r\ndog, hound\r\nfox\r\n", three},
		{"UTF-16 of Windows", "classes.txt", "\xff\xfec\x00a\x00t\x00\r\x00\n\x00d\x00o\x00g\x00", []string{"cat", "dog"}},
		{"UTF-16, the other way round", "classes.txt", "\xfe\xff\x00c\x00a\x00t\x00\n\x67\x2c", []string{"cat", "本"}},
		{"marks around all names", "classes.txt", "\"cat\"\n\"dog, hound\"\n\"fox\"\n", three},
		{"marks around some names", "classes.txt", "\"cat\"\ndog\n", []string{"\"cat\"", "dog"}},
		{"a list of Python, a name a line", "classes.txt", "'cat',\n'dog, hound',\n'fox'\n", three},
		{"WordNet's numbers before", "synset_words.txt", "n02123045 cat\nn02087046 dog, hound\nn02120505 fox\n", three},
		{"running numbers before", "labels.txt", "0 cat\n1 dog, hound\n2 fox\n", three},
		{"running numbers from 1", "labels.txt", "1: cat\n2: dog, hound\n3: fox\n", three},
		{"numbers that do not run", "labels.txt", "1 cat\n1 dog\n7 fox\n", []string{"1 cat", "1 dog", "7 fox"}},
		{"a dict of Python", "imagenet1000_clsidx_to_labels.txt", "{0: 'cat',\n 1: 'dog, hound',\n 2: \"fox\"}\n", three},
		{"imagenet_class_index.json", "imagenet_class_index.json", `{"0": ["n02123045", "cat"], "2": ["n02120505", "fox"], "1": ["n02087046", "dog,_hound"]}`, three},
		{"a list in JSON", "names.json", `["cat", "dog, hound", "fox"]`, three},
		{"numbers to names in JSON", "names.json", `{"2": "fox", "0": "cat", "1": "dog, hound"}`, three},
		{"names to numbers in JSON", "names.json", `{"fox": 2, "cat": 0, "dog, hound": 1}`, three},
		{"a config.json of Hugging Face", "config.json", `{"architectures": ["X"], "id2label": {"0": "cat", "1": "dog, hound", "2": "fox"}, "label2id": {"cat": 0}, "hidden_sizes": [1, 2]}`, three},
		{"a config.json of timm", "config.json", `{"architecture": "resnet20", "num_classes": 3, "label_names": ["cat", "dog, hound", "fox"], "pretrained_cfg": {}}`, three},
		{"timm's, further in", "config.json", `{"architecture": "resnet20", "pretrained_cfg": {"label_names": ["cat", "dog, hound", "fox"]}}`, three},
		{"COCO's categories", "a.json", `{"categories": [{"id": 3, "name": "fox"}, {"id": 1, "name": "cat"}, {"id": 2, "name": "dog, hound"}]}`, three},
		{"a table", "classes.csv", "0,cat\n1,\"dog, hound\"\n2,fox\n", three},
		{"a table with titles", "classes.csv", "id,synset,name,images\n2,n02120505,fox,100\n0,n02123045,cat,100\n1,n02087046,\"dog, hound\",50\n", three},
		{"a table with two columns of texts, one of which is called name", "classes.csv", "class_id;name;group\n0;cat;feline\n1;dog, hound;canine\n2;fox;canine\n", three},
		{"a table of names", "classes.csv", "name\ncat\n\"dog, hound\"\nfox\n", three},
		{"names to numbers in JSON, as texts", "names.json", `{"fox": "2", "cat": "0", "dog, hound": "1"}`, three},
		{"marks around single letters", "classes.txt", "\"a\"\n\"b\"\n", []string{"a", "b"}},
		{"marks around nothing", "classes.txt", "\"\"\n\"b\"\n", []string{`""`, `"b"`}},
		{"a table whose first column of numbers counts", "classes.csv", "1,2,dog\n0,1,cat\n2,0,fox\n", []string{"cat", "dog", "fox"}},
		{"a table whose names stand first", "classes.csv", "name;id;group\ncat;0;feline\nfox;2;canine\ndog, hound;1;canine\n", three},
		{"a table with tabs", "classes.tsv", "0\tcat\n1\tdog, hound\n2\tfox\n", three},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.file, []byte(tt.text))
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, error %v: want %q", got, err, tt.want)
			}
		})
	}
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"nothing", "a.txt", " \n", "it is empty"},
		{"one name", "a.txt", "cat\n", "one class only"},
		{"an empty line", "a.txt", "cat\n\ndog\n", "line 2 is empty"},
		{"JSON that is cut off", "a.json", `{"0": "cat", "1"`, "no valid JSON"},
		{"JSON of something else", "a.json", `{"model_type": "resnet", "hidden_sizes": [1, 2]}`, "no classes in this JSON"},
		{"numbers with a gap in JSON", "a.json", `{"0": "cat", "2": "dog"}`, "no classes in this JSON"},
		{"ids with a gap", "a.json", `[{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}]`, "ids do not run"},
		{"a table without numbers", "a.csv", "cat,feline\ndog,canine\n", "no column has the classes' numbers"},
		{"a table with two columns of texts", "a.csv", "0,cat,feline\n1,dog,canine\n", "which of the 3 columns"},
		{"a table with rows of other lengths", "a.csv", "0,cat\n1\n", "no CSV table"},
		{"an HTML page", "a.txt", "<!DOCTYPE html><html>\n<body>\n", "an HTML page"},
		{"weights", "a.pth", "\x89HDF\r\n\x1a\n\x00", "HDF5"},
		{"a text in Latin-1", "a.txt", "caf\xe9\ntea\n", "UTF-8"},
		{"a text that begins with a zero byte", "a.txt", "\x00cat\ndog\n", "no text in UTF-8"},
		{"a text that is Latin-1 later on", "a.txt", strings.Repeat("tea\n", 200) + "caf\xe9\n", "no text in UTF-8"},
		{"YAML", "data.yaml", "names:\n  0: cat\n  1: dog\n", "YAML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, err := Parse(tt.file, []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, error %v: want %q", names, err, tt.want)
			}
		})
	}
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "classes.txt")
	if err := os.WriteFile(path, []byte("cat\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("error %v", err)
	}
	if _, err := Read(filepath.Dir(path)); err == nil {
		t.Error("a folder is no error")
	}
}

func TestBackground(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  bool
	}{
		{[]string{"background", "tench"}, true},
		{[]string{"N/A", "person", "bicycle"}, true},
		{[]string{"tench", "background"}, false},
		{[]string{"background"}, false}, // nothing would be left
		{nil, false},
	} {
		if got := Background(c.names); got != c.want {
			t.Errorf("%q: %v, want %v", c.names, got, c.want)
		}
	}
}
