package gtp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Rules are those of a game: what may be played, and how it is scored.
type Rules struct {
	baduk.Rules
	Territory bool // is counted, and prisoners; else area
}

// ruleSets are the names that kata-set-rules knows, with the nearest of what is possible here: where a set has
// situational superko (AGA, BGA, New Zealand) it is positional, and no seki is taxed.
var ruleSets = []struct {
	name  string
	rules Rules
}{
	{"tromp-taylor", Rules{Rules: baduk.TrompTaylor}},
	{"chinese", Rules{}},
	{"chinese-ogs", Rules{Rules: baduk.Rules{Superko: true}}},
	{"chinese-kgs", Rules{Rules: baduk.Rules{Superko: true}}},
	{"japanese", Rules{Territory: true}},
	{"korean", Rules{Territory: true}},
	{"aga", Rules{Rules: baduk.Rules{Superko: true}}},
	{"bga", Rules{Rules: baduk.Rules{Superko: true}}},
	{"new-zealand", Rules{Rules: baduk.TrompTaylor}},
}

// RuleNames returns the names of sets of rules.
func RuleNames() []string {
	var names []string
	for _, s := range ruleSets {
		names = append(names, s.name)
	}
	return names
}

// RulesOf returns the rules of a name, as KataGo and KGS have them.
func RulesOf(name string) (Rules, bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, s := range ruleSets {
		if s.name == name {
			return s.rules, true
		}
	}
	return Rules{}, false
}

// set changes one rule, by KataGo's name and value.
func (r *Rules) set(rule string, value any) error {
	text := strings.ToUpper(fmt.Sprint(value))
	only := func(values ...string) error {
		if !slices.Contains(values, text) {
			return fmt.Errorf("rule %s: %v: should be %s", rule, value, strings.Join(values, " or "))
		}
		return nil
	}
	switch rule {
	case "ko":
		err := only("SIMPLE", "POSITIONAL")
		if err == nil {
			r.Superko = text == "POSITIONAL"
		}
		return err
	case "scoring":
		err := only("AREA", "TERRITORY")
		if err == nil {
			r.Territory = text == "TERRITORY"
		}
		return err
	case "suicide":
		err := only("TRUE", "FALSE")
		if err == nil {
			r.Suicide = text == "TRUE"
		}
		return err
	case "tax":
		return only("NONE")
	case "hasButton":
		return only("FALSE")
	case "whiteHandicapBonus":
		return only("0")
	}
	return fmt.Errorf("unknown rule %s", rule)
}

// parseRules reads a name, or KataGo's form of an object.
func parseRules(text string) (Rules, error) {
	if r, ok := RulesOf(text); ok {
		return r, nil
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return Rules{}, fmt.Errorf("unknown rules %s: should be an object or one of %s", text, strings.Join(RuleNames(), " "))
	}
	var r Rules
	for _, name := range []string{"hasButton", "ko", "scoring", "suicide", "tax", "whiteHandicapBonus"} {
		if v, ok := fields[name]; ok {
			if err := r.set(name, v); err != nil {
				return Rules{}, err
			}
			delete(fields, name)
		}
	}
	for name := range fields {
		return Rules{}, fmt.Errorf("unknown rule %s", name)
	}
	return r, nil
}

// String is KataGo's form.
func (r Rules) String() string {
	ko, scoring := "SIMPLE", "AREA"
	if r.Superko {
		ko = "POSITIONAL"
	}
	if r.Territory {
		scoring = "TERRITORY"
	}
	return fmt.Sprintf(`{"hasButton":false,"ko":"%s","scoring":"%s","suicide":%t,"tax":"NONE","whiteHandicapBonus":"0"}`, ko, scoring, r.Suicide)
}

// score is the result of a position whose dead stones are taken off.
func (r Rules) score(b *baduk.Board, komi float64, dead []baduk.Point) baduk.Result {
	count := b.Area
	if r.Territory {
		count = b.Territory
	}
	black, white := count(dead...)
	return baduk.Score(float64(black) - float64(white) - komi)
}

func setRules(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	r, err := parseRules(strings.Join(args, ""))
	if err != nil {
		return "", err
	}
	return "", e.setRules(r)
}

func setRule(e *Engine, args []string) (string, error) {
	if len(args) < 2 {
		return "", errSyntax
	}
	r := e.rules
	if err := r.set(args[0], args[1]); err != nil {
		return "", err
	}
	return "", e.setRules(r)
}

// setKGSRules is set by the four names that KGS has.
func setKGSRules(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	name := strings.ToLower(args[0])
	if name == "chinese" {
		name = "chinese-kgs"
	}
	r, ok := RulesOf(name)
	if !ok {
		return "", errors.New("unknown rules " + args[0])
	}
	return "", e.setRules(r)
}

// setRules plays the game again by other rules.
func (e *Engine) setRules(r Rules) error {
	g := e.game
	g.Rules = r.Rules
	b, err := g.Final()
	if err != nil {
		return fmt.Errorf("the game was not played by these rules: %w", err)
	}
	b.SetToPlay(e.board.ToPlay())
	e.rules, e.board, e.game = r, b, g
	return nil
}
