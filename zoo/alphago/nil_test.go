package alphago

import (
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

// What is nil, or was not made by a constructor, is an error where one can be told, and has nothing otherwise.
func TestNothingIsAnError(t *testing.T) {
	policy := evenPolicy(t, 9, 1)
	search, err := NewSearch(SearchConfig{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	board, err := baduk.NewBoard(9, baduk.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := baduk.NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	genmove := func(p gtp.Player, b *baduk.Board) error {
		_, _, err := p.Genmove(t.Context(), gtp.Position{Board: b})
		return err
	}
	for what, f := range map[string]func() error{
		"LoadPolicyFrom":                func() error { _, err := LoadPolicyFrom(nil, 1); return err },
		"LoadValueFrom":                 func() error { _, err := LoadValueFrom(nil, 1); return err },
		"ValueFromPolicy":               func() error { _, err := ValueFromPolicy(nil, 1); return err },
		"PolicyForBoard":                func() error { _, err := PolicyForBoard(nil, 9); return err },
		"Choose":                        func() error { _, err := Choose(nil, nil, 0, nil); return err },
		"Probabilities":                 func() error { _, err := policy.Probabilities([]*baduk.Board{nil}, 1); return err },
		"Probabilities of no policy":    func() error { _, err := new(Policy).Probabilities([]*baduk.Board{board}, 1); return err },
		"Outcomes of no value":          func() error { _, err := new(Value).Outcomes([]*baduk.Board{board}, 1); return err },
		"Evaluate":                      func() error { _, err := policy.Evaluate(t.Context(), nil, 0, []int{1}, nil); return err },
		"Evaluate no policy":            func() error { _, err := new(Policy).Evaluate(t.Context(), corpus, 0, []int{1}, nil); return err },
		"Evaluate no value":             func() error { _, err := new(Value).Evaluate(t.Context(), corpus, 0, []int{1}, nil); return err },
		"Set":                           func() error { return search.Set(nil, Goal{}) },
		"Set no search":                 func() error { return new(Search).Set(board, Goal{}) },
		"Genmove without a board":       func() error { return genmove(&PolicyPlayer{Policy: policy, Symmetries: 1}, nil) },
		"Genmove without a policy":      func() error { return genmove(&PolicyPlayer{Symmetries: 1}, board) },
		"Genmove of a search, no board": func() error { return genmove(&SearchPlayer{Search: search}, nil) },
		"Genmove without a search":      func() error { return genmove(&SearchPlayer{}, board) },
		"Analyze without a board": func() error {
			return (&SearchPlayer{Search: search}).Analyze(t.Context(), gtp.Position{}, gtp.Thinking{})
		},
		"NewSearch": func() error { _, err := NewSearch(SearchConfig{}); return err },
		"SelfPlay":  func() error { return new(SelfPlay).Play(t.Context(), 0, 1, nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	new(Policy).Close()
	if Over(nil) || Count(nil, 7.5) != (baduk.Result{}) {
		t.Error("a game on no board has ended")
	}
}
