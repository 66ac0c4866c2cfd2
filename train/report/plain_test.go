package report

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNamesAreShownWithoutWhatSteers(t *testing.T) {
	for _, c := range []struct{ name, plain, cell, markdown string }{
		{"cat", "cat", "cat", "cat"},
		{"Café crème 数字 кот 👩‍🔬", "Café crème 数字 кот 👩‍🔬", "Café crème 数字 кот 👩‍🔬", "Café crème 数字 кот 👩‍🔬"},
		{"\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`, `\\x1b\[31mred`},
		{"a\nb\tc\r", `a\nb\tc\r`, `a\nb\tc\r`, `a\\nb\\tc\\r`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`, `\\u009b31m`},
		{"a\u202etxt.exe", `a\u202etxt.exe`, `a\u202etxt.exe`, `a\\u202etxt.exe`},
		{"em\xff", `em\xff`, `em\xff`, `em\\xff`},
		{"\x7f\x00", `\u007f\x00`, `\u007f\x00`, `\\u007f\\x00`},
		{"=1+1", "=1+1", "'=1+1", "=1+1"},
		{"@SUM(A1)", "@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"},
		{"-cat", "-cat", "'-cat", "-cat"},
		{"+1", "+1", "'+1", "+1"},
		{"\t=1", `\t=1`, `\t=1`, `\\t=1`},
		{"<script>alert(1)</script>", "<script>alert(1)</script>", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{"a|b`c`*d*_e_[f](g)#", "a|b`c`*d*_e_[f](g)#", "a|b`c`*d*_e_[f](g)#", "a\\|b\\`c\\`\\*d\\*\\_e\\_\\[f\\](g)\\#"},
	} {
		if got := Plain(c.name); got != c.plain {
			t.Errorf("Plain(%q) = %q: want %q", c.name, got, c.plain)
		}
		if got := Cell(c.name); got != c.cell {
			t.Errorf("Cell(%q) = %q: want %q", c.name, got, c.cell)
		}
		if got := Markdown(c.name); got != c.markdown {
			t.Errorf("Markdown(%q) = %q: want %q", c.name, got, c.markdown)
		}
	}
}

// Which characters are written as numbers, and their neighbours, which are not.
func TestCharactersThatSteerAreKnownOneByOne(t *testing.T) {
	var got []rune
	for r := rune(0x80); r < 0x10000; r++ {
		if r >= 0xa0 && (r < 0xd800 || r > 0xdfff) && Plain(string(r)) != string(r) {
			got = append(got, r)
		}
	}
	if want := []rune("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for text, want := range map[string]string{"\x1f": `\x1f`, " ": " ", "~": "~", "\x7f": `\u007f`, "\u0080": `\u0080`, "\u009f": `\u009f`, "\u00a0": "\u00a0", "\ufffd": "\ufffd", "\xc3": `\xc3`, "a\xe2\x82": `a\xe2\x82`} {
		if got := Plain(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestADetachedWriterNeverWaits(t *testing.T) {
	// A reader that reads nothing until the end.
	r, w := io.Pipe()
	d := Detach(w)
	begun := time.Now()
	for range 100000 {
		if n, err := d.Write([]byte("0123456789")); n != 10 || err != nil {
			t.Fatal(n, err)
		}
	}
	d.Close(time.Millisecond)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	go func() {
		time.Sleep(time.Second)
		w.Close()
	}()
	got, err := io.ReadAll(r)
	if err != nil || len(got) > detachedMost || len(got) < detachedMost-10 || strings.Trim(string(got), "0123456789") != "" {
		t.Errorf("%d bytes were kept, %v: want %d at most", len(got), err, detachedMost)
	}
}

func TestADetachedWriterWritesEverythingInOrder(t *testing.T) {
	var b bytes.Buffer
	d := Detach(&b)
	var want strings.Builder
	for i := range 1000 {
		text := strings.Repeat("x", i%7) + "\n"
		want.WriteString(text)
		io.WriteString(d, text)
	}
	d.Close(10 * time.Second)
	if b.String() != want.String() {
		t.Errorf("%d bytes: want %d", b.Len(), want.Len())
	}
	io.WriteString(d, "late")
}

type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("gone")
}

func TestADetachedWriterGivesUpAfterAnError(t *testing.T) {
	var b broken
	d := Detach(&b)
	for range 50 {
		io.WriteString(d, "x")
		time.Sleep(time.Millisecond)
	}
	d.Close(10 * time.Second)
	if b.writes != 1 {
		t.Errorf("%d writes after an error", b.writes-1)
	}
}
