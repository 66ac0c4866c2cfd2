package main

import (
	"os"
	"strings"
	"testing"
)

// Command lines that make no sense are refused before anything is done, with one line that names the flag and says
// what would be right, and the exit code 2; what a file lacks has the code 1.
func TestCommandLinesAreRefusedInWords(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		"game.sgf":               "(;SZ[9]KM[7]RE[B+3];B[ee];W[cc];B[gg])",
		"r/config.json":          `{"network":"lenet5"}`,
		"r/weights/best.weights": "none",
		"two.txt":                "one\ntwo\n",
	} {
		if i := strings.LastIndex(file, "/"); i > 0 {
			if err := os.MkdirAll(file[:i], 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if code, text := commanded(t, words("export lenet5-fashion-mnist -o r.pth")); code != 0 {
		t.Fatal(text)
	}
	// A command in front of "|" stands before each flag that follows in the list. What ends in a line feed is all of the line.
	of := ""
	for _, c := range []struct {
		args string
		code int
		want string // begins the last line
	}{
		{"eval |", 0, ""},
		{"--ensemble -1", 2, "--ensemble -1: should be at least 1"},
		{"--crops 5", 2, "--crops 5: should be 1 or 10"},
		{"--worst -2", 2, "--worst -2: should be at least 1"},
		{"--confusion m.txt", 2, "--confusion m.txt: should end in .csv or .png"},
		{"--report r.png", 2, "--report r.png: should end in .csv or .md"},
		{"--threads -1", 2, "--threads -1: should be 1 to 1024, or 0 for one a core"},
		{"--threads 99999999999999", 2, "--threads 99999999999999: should be 1 to 1024, or 0 for one a core"},
		{"--batch -1", 2, "--batch -1: should be at least 1, or 0 for the usual"},
		{"--limit -1", 2, "--limit -1: should be at least 1, or 0 for all images"},
		{"--part tset", 2, "unknown part tset: did you mean test?"},
		{"--part whatever", 2, "unknown part whatever: there are train, val and test"},
		{"lenet5-fashion-mnist lenet5-mnist --ensemble 3", 2, "--ensemble 3: 2 weights are named"},
		{"lenet5-fashion-mnist-ensemble --ensemble 8", 1, "lenet5-fashion-mnist-ensemble: 7 members have weights, --ensemble 8 asks for more"},
		{"--ensemble 8", 1, "no run under runs, and no ensemble of 8 is part of the program: zoo train lenet5 --ensemble 8 trains one"},
		{"nothing", 1, "nothing: there is no such file or folder: the weights that are part of the program are "},

		{"explain lenet5-fashion-mnist two.txt |", 0, ""},
		{"-o x.jpg", 2, "-o x.jpg: should end in .png or .gif"},
		{"", 2, "which picture? -o FILE.png"},
		{"-o x.gif", 2, "-o x.gif: gradcam has no steps: .png"},
		{"-o x.png --beside alexnet", 2, "--beside is for --how filters, not gradcam"},
		{"-o x.gif --how filters --beside alexnet", 2, "-o x.gif: --beside is one picture: .png"},
		{"-o x.png --how deconvnet --feature -1", 2, "--feature -1: features are numbered from 0"},
		{"-o x.png --feature 1", 2, "--feature is not for --how gradcam"},
		{"-o x.png --limit -1", 2, "--limit -1: should be at least 1, or 0 for all"},
		{"-o x.png --how filters", 2, "1 image: too many for --how filters"},
		{"-o x.png --image 3", 2, "--image 3: of which data set? --data"},
		{"-o x.png --class shirts", 2, "--class shirts: did you mean Shirt?"},
		{"-o x.png --class 10", 2, "--class 10: the network has 10 classes, T-shirt/top, Trouser, Pullover and so on"},
		{"-o x.png --class -1", 2, "--class -1: the network has 10 classes"},
		{"explain lenet5-fashion-mnist |", 0, ""},
		{"-o x.png", 2, "--how gradcam needs an image: a file, or --data and --image"},
		{"-o x.png --how dream", 2, "--how dream needs an image: a file, or --data and --image"},
		{"-o x.png --how maximise", 2, "--how maximise: what? --class or --layer, one of c1, relu 1, max pool 1, c3,"},

		{"-o x.png --maps 0", 2, "--maps 0: should be at least 1"},
		{"-o x.png --size -1", 2, "--size -1: should be at least 1 pixel, or 0 for the usual"},
		{"-o x.png --steps -2", 2, "--steps -2: should be 1 to 1000000, or 0 for the usual"},
		{"-o x.png --part tset", 2, "unknown part tset: did you mean test?"},
		{"-o x.png --how filters --layer c9", 2, `--how filters: no layer is called "c9": there are c1, c3`},

		{"go engine |", 0, ""},
		{"--threads 1025", 2, "--threads 1025: should be 1 to 1024, or 0 for one a core"},
		{"--temperature -0.5", 2, "--temperature -0.5: should be 0 or above"},
		{"--temperature +Inf", 2, "--temperature +Inf: should be 0 or above"},
		{"--visits -1", 2, "--visits -1: should be 0 or above"},
		{"--time -1s", 2, "--time -1s: should be above 0"},
		{"--lambda 1.5", 2, "--lambda 1.5: should be from 0 to 1"},
		{"--lambda NaN", 2, "--lambda NaN: should be from 0 to 1"},
		{"--resign 1", 2, "--resign 1: should be from 0 to below 1"},
		{"--exploration 0", 2, "--exploration 0: should be above 0"},
		{"--rollouts 0", 2, "--rollouts 0: should be at least 1"},
		{"--batch 0", 2, "--batch 0: should be at least 1"},
		{"--symmetries 3", 2, "--symmetries 3: should be 1 or 8"},
		{"--resign 0.1 --visits 4 --value=", 2, "--resign needs a value network: random games alone are no reason to give up"},
		{"go match |", 0, ""},
		{"--opening-moves -1", 2, "--opening-moves -1: should be 0 or above"},
		{"--games 0", 2, "--games 0: should be at least 1"},
		{"--komi -1001", 2, "--komi -1001: should be a number of points such as 7.5"},
		{"--size 26", 2, "--size 26: should be 2 to 25, or 0 for the policy's own"},
		{"--komi NaN", 2, "--komi NaN: should be a number of points such as 7.5"},
		{"--timeout 0s", 2, "--timeout 0s: should be above 0"},
		{"go eval alphago-policy-small |", 0, ""},
		{"", 2, "zoo go eval needs game records: --data games.zip"},
		{"--data game.sgf --limit -1", 2, "--limit -1: should be at least 1, or 0 for all positions"},
		{"--data game.sgf --holdout -1", 2, "--holdout -1: should be at least 1, or 0 for all games"},
		{"--data game.sgf --symmetries 2", 2, "--symmetries 2: should be 1 or 8"},
		{"--data game.sgf", 1, "no game can be used: "},
		{"go picture game.sgf |", 0, ""},
		{"", 2, "zoo go picture needs a file to write: -o board.png"},
		{"-o x.png --symmetries 4", 2, "--symmetries 4: should be 1 or 8"},
		{"-o x.jpg", 2, "-o x.jpg: should end in .png"},
		{"go features game.sgf |", 0, ""},
		{"", 2, "zoo go features needs a file to write: -o planes.npy"},
		{"-o x.npy --planes 0", 2, "--planes 0: should be from 1 to 49"},
		{"-o x.npy --planes 50", 2, "--planes 50: should be from 1 to 49"},
		{"-o x.npy --game 0", 2, "--game 0: should be at least 1"},
		{"list |", 0, ""},
		{"--plot trend.svg", 2, "--plot trend.svg: should end in .png"},
		{"curves none |", 0, ""},
		{"-o x.pdf", 2, "-o x.pdf: should end in .png"},
		{"data show fashion-mnist-small |", 0, ""},
		{"-o sheet.JPEG", 2, "-o sheet.JPEG: should end in .png"},
		{"-o x.png --part tset", 2, "unknown part tset: did you mean test?"},
		{"go judge game.sgf -o x.sgf |", 0, ""},
		{"--komi Inf", 2, "--komi +Inf: should be a number of points such as 7.5"},
		{"--margin Inf", 2, "--margin +Inf: should be 0 or above, such as 5"},
		{"serve lenet5-fashion-mnist --addr localhost:0 |", 0, ""},
		{"--delay -1s", 2, "--delay -1s: should be 0s or above"},
		{"--batch 99999999999999", 2, "--batch 99999999999999: should be 1 to 65536"},
		{"--addr 8080", 2, "--addr 8080: should be HOST:PORT, such as localhost:8080, or :8080 for all of the machine's addresses"},
		{"--addr localhost:x", 2, "--addr localhost:x: should be HOST:PORT,"},
		{"data get cifar-10 |", 0, ""},
		{"--mirror example.org", 2, "--mirror example.org: should be the address of a folder, such as https://example.org/files/"},
		{"--stall 0s", 2, "--stall 0s: should be above 0s"},
		{"go |", 0, ""},
		{"selfplay -o x.sgf --beside 99999999999999", 2, "--beside 99999999999999: should be 1 to 16384"},
		{"selfplay --beside 0 -o x.sgf", 2, "--beside 0: should be at least 1"},
		{"selfplay", 2, "zoo go selfplay needs a file to write: -o games.sgf"},
		{"nothing", 2, "unknown command go nothing: zoo go --help lists them"},

		{"import r.pth --as lenet5 -o x.safetensors |", 0, ""},
		{"--scale 0", 2, "--scale 0: should be 1 or 255"},
		{"--scale 255", 2, "--scale 255 needs --mean and --std on that scale: 0 and 1 for none"},
		{"--resize 0", 2, "--resize 0: should be 1 to 16384 pixels"},
		{"--crop -1", 2, "--crop -1: should be 1 to 16384 pixels, or 0 for none"},
		{"--channels bgr", 2, "--channels bgr: should be rgb or bgr, for an input of 3 channels"},
		{"--interpolation linear", 2, "--interpolation linear: should be bilinear, bicubic, lanczos, box, hamming or nearest"},
		{"--interpolation=", 2, "--interpolation : should be bilinear, "},
		{"--mean a", 2, "--mean a: should be one number a channel, as in 0.485,0.456,0.406"},
		{"--mean 1,2", 2, "--mean 1,2: 2 numbers for 1 channel"},
		{"--std 0", 2, "--std 0: should be one number a channel, as in 0.485,0.456,0.406"},
		{"--rename fc", 2, "--rename fc: should be old=new, as in fc=linear or 'block*.conv=layer*.conv1'"},
		{"--rename a=b*", 2, "--rename a=b*: should be old=new, as in fc=linear or 'block*.conv=layer*.conv1'"},
		{"--rename f7=f6", 2, "--rename f7=f6: no tensor has that in its name; did you mean f6?"},
		{"--new-head", 2, "--new-head needs the names of its classes: --classes FILE"},
		{"--classes none.txt", 1, "none.txt: there is no such file or folder"},

		{"resume |", 0, ""},
		{"r/config.json", 1, "r/config.json: a file: the folder of a run is needed"},
		{"r/weights/best.weights", 1, "r/weights/best.weights: a file of the run r: name that folder"},
		{"data |", 0, ""},
		{"nonsense", 2, "unknown command data nonsense: zoo data --help lists them"},
		{"verify nothing", 2, `unknown data set "nothing": known are cifar-10, cifar-100, fashion-mnist,`},
		{"list |", 0, ""},
		{"[", 2, "pattern [: syntax error in pattern"},
		{"train |", 0, ""},
		{"--set", 2, "flag needs an argument: --set: key=value; the keys are network, variant, options, data,"},
		{"lenet5 --set epochs", 2, "--set epochs: should be key=value; the keys are network, variant, options, data,"},
		{"bench lenet5 |", 0, ""},
		{"--batch 0", 2, "batch 0: should be at least 1"},
		{"--batch 99999999999999", 2, "batch 99999999999999: should be at most 1048576"},
		{"--threads -1", 2, "--threads -1: should be 1 to 1024, or 0 for one a core"},
		{"--seconds 0", 2, "seconds 0: should be above 0"},
		{"inspect |", 0, ""},
		{"./lenet5", 1, "./lenet5: there is no such file or folder"},
		{"./two.txt", 2, "./two.txt: neither the name of a network nor an ONNX model, FILE.onnx: zoo list shows the names"},
		{"export lenet5-fashion-mnist |", 0, ""},
		{"-o x.xyz", 2, "-o x.xyz: the ending should be one of .safetensors, .pth, .pt, .onnx, .dot"},

		{"export lenet5-fashion-mnist |", 0, ""},
		{"", 2, "zoo export needs a file to write: -o FILE"},
		{"-o x.pth --softmax", 2, "--softmax is for .onnx, not for .pth"},
		{"-o x.pth --card", 2, "--card is for .safetensors, not for .pth"},
		{"-o x.pth --half", 2, "--half is for .safetensors and .onnx, not for .pth"},
		{"-o x.onnx --data mnist", 2, "--data is for --card"},
		{"-o none/x.onnx", 1, "none/x.onnx: not written: none: there is no such file or folder"},
		{"inspect |", 0, ""},
		{"lenet5 --json --dot", 2, "--json and --dot: one of them only"},
		{"lenet5 --input 1x2", 2, "--input 1x2: should be channels, height and width, as in 3x224x224"},
		{"lenet5 --classes -1", 2, "lenet5: -1 classes: at least 1 is needed"},
		{"--conv 8x8x1,3x3,2 --classes 3", 2, "--classes is for networks, not for --conv"},
		{"--conv 8x8x1,9x9,2", 2, `convolution "8x8x1,9x9,2": conv: input height 8 is too small: (N - F + 2P)/S + 1 = (8 - 9 + 2·0)/1 + 1 < 1`},
		{"train |", 0, ""},
		{"", 2, "zoo train needs the name of a network: zoo list shows them"},
		{"lenet5 --config r", 2, "lenet5 and --config r: the file says which network to train"},
		{"--config none", 1, "none: there is no such file or folder"},
		{"--config two.txt", 1, "two.txt: no JSON from byte 1 on"},
		{"--config r", 2, `r/config.json: data "": should be the name of a data set`},
		{"lenet5 --recipe papr", 2, `lenet5 has no recipe "papr": did you mean "paper"?`},
		{"lenet5 --augment spin", 2, `augment: unknown transform "spin": known are advance, `},
		{"lenet5 --init nothing", 1, "nothing: there is no such file or folder: the weights that are part of the program are "},
		{"lenet5 --init two.txt", 1, "two.txt: a text: no weights file begins like that; is it another file's name?"},
		{"lenet5 --data fashion-mnist=nothing", 1, "nothing: there is no such file or folder"},
		{"lenet5 --data two.txt", 1, "two.txt: a file: data are in a folder"},
		{"lenet5 --data nothing", 2, `unknown data set "nothing": known are `},
		{"lenet5 --classes 3 --out x", 1, "lenet5 has 3 classes, the data set fashion-mnist-small has 10\n"},
		{"lenet5 lenet5", 2, "zoo train: one argument too many: lenet5"},
		{"go judge game.sgf |", 0, ""},
		{"", 2, "zoo go judge needs a file to write: -o judged.sgf"},
		{"-o x.sgf --margin NaN", 2, "--margin NaN: should be 0 or above"},
		{"-o x.sgf --limit -1", 2, "--limit -1: should be at least 1, or 0 for all games"},
		{"-o x.sgf", 1, "no game can be judged"},
		{"-o x.sgf --weights lenet5-mnist", 1, "lenet5-mnist: lenet5 is no policy network: its output should be the points of a board, as that of alphago-policy"},
		{"none.sgf -o x.sgf", 1, "none.sgf: there is no such file or folder"},
		{"go train |", 0, ""},
		{"", 2, "zoo go train needs game records: --data games.zip"},
		{"--data game.sgf --network alphago", 2, "unknown network alphago: did you mean alphago-value?"},
		{"go selfplay -o x.sgf |", 0, ""},
		{"--games 0", 2, "--games 0: should be at least 1"},
		{"--temperature -1", 2, "temperature -1: should be 0 or above"},
		{"--openings none.sgf", 1, "none.sgf: there is no such file or folder; did you mean game.sgf?"},
		{"go picture game.sgf -o x.png |", 0, ""},
		{"--move 4", 2, "--move 4: should be from 1 to 3"},
		{"--move 0", 2, "--move 0: should be from 1 to 3"},
		{"--game 2", 1, "game.sgf: no game 2: there are 1"},
		{"--scale 0", 2, "picture: scale 0: should be from 8 to 200 pixels"},
		{"--weights alphago-policy-small", 1, "alphago-policy-small: a board of 9×9 for a network of 19×19"},
		{"go engine |", 0, ""},
		{"--ponder --visits 0", 2, "--ponder needs a search: --visits is 0"},
		{"--rules chines", 2, "unknown rules chines: did you mean chinese?"},
		{"--komi NaN", 2, "--komi NaN: should be a number of points such as 7.5"},
		{"--weights=", 2, "which network? --weights names a weights file or a run"},
		{"--value lenet5-mnist", 1, "lenet5-mnist: lenet5 is no value network: its output should be one number, as that of alphago-value"},
		{"go match |", 0, ""},
		{"--size 1", 1, "board size 1: should be from 2 to 25"},
		{"--openings none.sgf", 1, "none.sgf: there is no such file or folder; did you mean game.sgf?"},
		{"weights |", 0, ""},
		{"gett", 2, "unknown command weights gett: did you mean weights get?"},
		{"get nothing", 2, "unknown weights nothing: zoo weights list shows them"},
		{"where resnet5", 2, "unknown weights resnet5: did you mean resnet50?"},
		{"list [", 2, "pattern [: syntax error in pattern"},
		{"list lenet5-mnit", 2, "unknown weights lenet5-mnit: did you mean lenet5-mnist?"},
		{"list |", 0, ""},
		{"--weights zzz", 2, "unknown weights zzz: zoo list --weights without a pattern lists all"},
		{"--weights [", 2, "pattern [: syntax error in pattern"},
		{"--plot x.png zzz", 2, "unknown network with a published error on ImageNet zzz: zoo list without a pattern lists all"},
		{"--plot x.png [", 2, "pattern [: syntax error in pattern"},
		{"serve |", 0, ""},
		{"--queue 0", 2, "--queue 0: should be at least 1"},
		{"--timeout -1m", 2, "--timeout -1m0s: should be above 0"},
		{"a/b=lenet5-mnist", 2, "a/b=lenet5-mnist: a model's name has letters, digits, and - _ . alone"},
		{"lenet5-mnist lenet5-mnist", 2, "lenet5-mnist and lenet5-mnist would both be called lenet5-mnist: say NAME=lenet5-mnist"},
		{"alphago-policy-small alphago-policy-small", 2, "alphago-policy-small: one player is enough"},
		{"two.txt", 1, "two.txt: a text: no weights file begins like that"},
		{"--ensemble lenet5-mnist resnet20-cifar10", 1, `member 2 of the ensemble does not know class "0"`},
		{"curves |", 0, ""},
		{"r --label a --label b", 2, "2 labels for 1 run: one --label for each is needed, or none"},
		{"two.txt", 1, "two.txt: a file: the folder of a run is needed"},
		{"bench lenet5 |", 0, ""},
		{"--wire float8", 2, `wire "float8": should be one of float32, bfloat16; did you mean "float32"?`},
		{"--mode fast", 2, `mode "fast": should be one of train, infer`},
		{"data |", 0, ""},
		{"get mnst", 2, `unknown data set "mnst": did you mean "mnist"?`},
		{"get fashion-mnist-small", 1, "fashion-mnist-small: is part of the program: nothing to download"},
		{"show fashion-mnist-small -o x.png --augment resnet20:papr", 2, `--augment: resnet20 has no recipe "papr": did you mean "paper"?`},
		{"show fashion-mnist-small -o x.png --augment nonet:paper", 2, `--augment: no network is called "nonet"; did you mean zfnet?`},
		{"show fashion-mnist-small -o x.png --tile -1", 2, "tile -1: should be 1 to 2048, or 0 for the usual"},
		{"show fashion-mnist-small -o x.png --part val", 1, `fashion-mnist-small: no such part as "val": there is train, test`},
		{"import |", 0, ""},
		{"r.pth --as lenet5", 2, "zoo import needs a file to write: -o WEIGHTS"},
		{"r.pth -o x.safetensors --as lenet5 --variant 1997", 2, `lenet5: no variant is called "1997": it is one of modern, 1998; did you mean 1998?`},
		{"r.pth -o x.safetensors --input 1x2", 2, "--input 1x2: should be channels, height and width, as in 3x224x224"},
		{"two.txt -o x.safetensors", 1, "two.txt: a text: no weights file begins like that"},
		{"eval |", 0, ""},
		{"r.pth", 2, "r.pth: the file does not say what data it was trained on: name it with --data"},
		{"lenet5-fashion-mnist --part val", 1, "fashion-mnist-small: no such part as val: there is train, test"},
		{"lenet5-fashion-mnist --limit 10 --confusion none/m.csv", 1, "none/m.csv: not written: none: there is no such file or folder"},
		{"lenet5-fashion-mnist --limit 10 --report none/m.csv", 1, "none/m.csv: not written: none: there is no such file or folder"},
		{"explain lenet5-fashion-mnist -o x.png |", 0, ""},
		{"--how gradcamm", 2, "unknown --how gradcamm: did you mean gradcam?"},
		{"--data fashion-mnist-small --image -1", 2, "--image -1: fashion-mnist-small/test has 2000, numbered from 0"},
		{"--how filters --beside nothing", 1, "--how filters: nothing: there is no such file or folder"},
		{"--how maximise --layer c1 --feature 1,2", 2, "--how maximise: --feature: one is enough for --how maximise"},
		{"two.txt", 1, "two.txt: broken image: no image format that is known"},
	} {
		if verb, ok := strings.CutSuffix(c.args, "|"); ok {
			of = verb
			continue
		}
		code, text := commanded(t, words(of+c.args))
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if last := lines[len(lines)-1]; code != c.code || !strings.HasPrefix(last+"\n", "zoo: "+c.want) {
			t.Errorf("zoo %s%s: code %d, want %d: %q, want %q", of, c.args, code, c.code, last, "zoo: "+c.want)
		}
	}
	left, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "x") {
			t.Errorf("%s was written by a command that was refused", e.Name())
		}
	}
}
