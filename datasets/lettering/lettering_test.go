package lettering

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
)

func TestNamesOfManyScriptsHaveLetters(t *testing.T) {
	for text, want := range map[string]string{
		"cat":          "cat",
		"кот":          "кот",
		"Café crème":   "Café crème",
		"Cafe\u0301":   "Café",
		"数字 猫":         "数字 猫",
		"ねこ カフェ":       "ねこ カフェ",
		"고양이":          "고양이",
		"γάτα":         "γάτα",
		"हिन्दी":       "hindii",
		"ไทย ก":        "aithy k",
		"العربية":      "العربية",
		"🐱":            "[cat face]",
		"👩\u200d🔬 lab": "[woman][microscope] lab",
		"a\x1bb\nc":    "a[U+001B]b[U+000A]c",
		"\u202egnp":    "[right-to-left override]gnp",
		"em\xff":       "em\\xff",
		"\U0001f3fb":   "[emoji modifier fitzpatrick type-1-2]",
	} {
		if got := Letters(text); got != want {
			t.Errorf("Letters(%q) = %q: want %q", text, got, want)
		}
	}
}

func TestWhatIsWrittenOtherwiseIsTold(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"cat", "кот", "猫", "قط", "Cafe\u0301"}, ""},
		{[]string{"cat", "ไทย", "🐱"}, "pictures write ไทย as aithy, 🐱 as [cat face]: their font has no such letters"},
		{strings.Fields("🐶 🐱 🐭 🐹 🐰 🦊"), "pictures write 🐶 as [dog face], 🐱 as [cat face], 🐭 as [mouse face], 🐹 as [hamster face], 🐰 as [rabbit face] and 1 more: their font has no such letters"},
	} {
		if got := Replaced(c.names); got != c.want {
			t.Errorf("Replaced(%q) = %q: want %q", c.names, got, c.want)
		}
	}
}

func TestTextFromRightToLeftIsTurned(t *testing.T) {
	if got, want := turned("קט"), "טק"; got != want {
		t.Errorf("turned Hebrew is %q: want %q", got, want)
	}
	// Three letters of which each is joined to the next: final, medial and initial form, from left to right.
	if got, want := turned("بيت"), "\ufe96\ufef4\ufe91"; got != want {
		t.Errorf("joined Arabic is %+q: want %+q", got, want)
	}
	if got := turned("cat"); got != "cat" {
		t.Errorf("Latin is turned: %q", got)
	}
}

func TestTextIsFittedToAWidth(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{{"automobile", 60, "automobile"}, {"automobile", 59, "automobi…"}, {"数字数字", 48, "数字数字"}, {"数字数字", 47, "数字数…"}, {"two words", 30, "two…"}, {"x", 2, ""}} {
		got := Fit(c.text, c.width)
		if got != c.want || Width(got) > c.width {
			t.Errorf("Fit(%q, %d) = %q of %d pixels: want %q", c.text, c.width, got, Width(got), c.want)
		}
	}
}

func TestTextIsBrokenIntoLines(t *testing.T) {
	for _, c := range []struct {
		text        string
		width, most int
		want        []string
	}{
		{"Ankle boot > Sneaker", 72, 3, []string{"Ankle boot >", "Sneaker"}},
		{"Ankle boot", 36, 3, []string{"Ankle", "boot"}},
		{"automobile", 36, 3, []string{"automo", "bile"}},
		{"automobile > airplane", 36, 2, []string{"automo", "bile…"}},
		{"数字数字", 24, 3, []string{"数字", "数字"}},
		{"cat", 36, 3, []string{"cat"}},
		{"", 36, 3, nil},
		{"cat", 3, 3, nil},
	} {
		if got := Wrap(c.text, c.width, c.most); !slices.Equal(got, c.want) {
			t.Errorf("Wrap(%q, %d, %d) = %q: want %q", c.text, c.width, c.most, got, c.want)
		}
	}
}

func TestLettersAreDrawnWhereTheyShouldBe(t *testing.T) {
	ink := func(m *image.RGBA) (r image.Rectangle) {
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				if m.RGBAAt(x, y).A > 0 {
					r = r.Union(image.Rect(x, y, x+1, y+1))
				}
			}
		}
		return r
	}
	m := image.NewRGBA(image.Rect(0, 0, 100, 100))
	Draw(m, 20, 30, color.Black, "Fq")
	flat := ink(m)
	if !flat.In(image.Rect(20, 30, 20+Width("Fq"), 30+Height)) || flat.Empty() {
		t.Errorf("ink in %v", flat)
	}
	m = image.NewRGBA(image.Rect(0, 0, 100, 100))
	DrawUp(m, 20, 80, color.Black, "Fq")
	up := ink(m)
	// What was x is up, what was y is right.
	want := image.Rect(20+flat.Min.Y-30, 80-(flat.Max.X-20), 20+flat.Max.Y-30, 80-(flat.Min.X-20))
	if up != want {
		t.Errorf("ink in %v: want %v", up, want)
	}
}

// Joiners, non-joiners and the sixteen variation selectors belong to the letter before them.
func TestWhatJoinsLetters(t *testing.T) {
	for r, want := range map[rune]bool{
		'\u200b': false, '\u200c': true, '\u200d': true, '\u200e': false, '\ufdff': false, '\ufe00': true, '\ufe07': true, '\ufe0f': true, '\ufe10': false, 'a': false,
	} {
		if got := joins(r); got != want {
			t.Errorf("%U joins: %v", r, got)
		}
	}
}

func TestNothingIsWrittenOnNothing(t *testing.T) {
	Draw(nil, 0, 0, color.Black, "x")
	DrawUp(nil, 0, 0, color.Black, "x")
	Draw(image.NewGray(image.Rect(0, 0, 9, 9)), 0, 0, nil, "x")
}
