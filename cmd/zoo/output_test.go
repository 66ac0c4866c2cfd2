package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestNothingSteersATerminal(t *testing.T) {
	var file bytes.Buffer
	o := &output{file: &file}
	for _, piece := range []string{"plain, кот 数字\n", "a\x1b[31mred\x07\n", "bidi \u202e\n", "half a letter \xe6", "\x95\xb0\n", "no text \xff\n", "c1 \u009b31m\ttab\n", "end \xe6"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	want := "plain, кот 数字\n" + `a\x1b[31mred\x07` + "\n" + `bidi \u202e` + "\nhalf a letter 数\n" + `no text \xff` + "\n" + `c1 \u009b31m` + "\ttab\n" + `end \xe6`
	if file.String() != want {
		t.Errorf("%q\nwant %q", file.String(), want)
	}
}

func TestJSONStaysJSONWhateverNamesAre(t *testing.T) {
	name := "\x1b[31m \x7f \u0085 \u202e \u2028 кот"
	var file bytes.Buffer
	a := &app{stdout: &output{file: &file}}
	if err := a.printJSON(map[string]string{"file": name}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(file.Bytes(), &back); err != nil || back["file"] != name {
		t.Errorf("%v: %q becomes %q", err, name, back["file"])
	}
	if strings.ContainsAny(file.String(), "\x1b\x7f\u0085\u202e\u2028") {
		t.Errorf("%q", file.String())
	}
}
