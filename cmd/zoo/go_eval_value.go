package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// goValueEvaluation is what --json prints of a value network.
type goValueEvaluation struct {
	Weights   string `json:"weights"`
	Games     int    `json:"games"`
	Undecided int    `json:"undecided"` // games that were left out
	alphago.ValueEvaluation
	// Plain is the network without symmetries, and Gain by how much they lower the MSE; only with 8 of them.
	Plain *alphago.ValueEvaluation `json:"plain,omitempty"`
	Gain  *float64                 `json:"gain,omitempty"`
}

func (a *app) evaluateValue(ctx context.Context, r *weights.Reader, name string, f goEvalFlags) error {
	v, err := alphago.LoadValueFrom(r, f.threads)
	if err != nil {
		return err
	}
	defer v.Close()
	all, err := a.readGames(v.Size(), f.data)
	if err != nil {
		return err
	}
	// As in training: the last of the games that have a winner are those held out.
	games := all.Decided()
	undecided := all.Games() - games.Games()
	if undecided > 0 {
		a.skipped(fmt.Errorf("%d of %d games: without a winner", undecided, all.Games()))
	}
	if games.Games() == 0 {
		return errors.New("no game has a winner")
	}
	if games, err = f.held(games); err != nil {
		return err
	}
	list, err := v.Evaluate(ctx, games, f.limit, f.turns(), a.counter())
	if err != nil {
		return err
	}
	e := goValueEvaluation{Weights: name, Games: games.Games(), Undecided: undecided, ValueEvaluation: list[len(list)-1]}
	if len(list) > 1 {
		gain := list[0].MSE - e.MSE
		e.Plain, e.Gain = &list[0], &gain
	}
	if f.json_ {
		return a.printJSON(e)
	}
	a.printGoValueEvaluation(e)
	return nil
}

func (a *app) printGoValueEvaluation(e goValueEvaluation) {
	header, numbers := []any{"Phase", "Positions", "MSE", "Sign right"}, []int{2, 3, 4}
	if e.Plain != nil {
		header, numbers = append(header, "MSE of 8", "Sign of 8"), append(numbers, 5, 6)
	}
	t := newTable(a.stdout, header...)
	t.SetColumnConfigs(right(numbers...))
	t.spares("Positions", "Sign of 8")
	row := func(name string, of func(alphago.ValueEvaluation) alphago.ValueAccuracy) {
		m := of(e.ValueEvaluation)
		if m.Positions == 0 {
			return
		}
		list := []any{name, report.Group(int64(m.Positions))}
		if e.Plain != nil {
			plain := of(*e.Plain)
			list = append(list, fmt.Sprintf("%.4f", plain.MSE), report.Percent(plain.SignRight))
		}
		t.AppendRow(append(list, fmt.Sprintf("%.4f", m.MSE), report.Percent(m.SignRight)))
	}
	for i, m := range e.Phases {
		row(m.Phase, func(e alphago.ValueEvaluation) alphago.ValueAccuracy { return e.Phases[i] })
	}
	row("all", func(e alphago.ValueEvaluation) alphago.ValueAccuracy { return e.ValueAccuracy })
	t.Render()
	fmt.Fprintf(a.stdout, "\nMSE %.4f, sign right %s on %s positions of %s games\n", e.MSE, report.Percent(e.SignRight), report.Group(int64(e.Positions)), report.Group(int64(e.Games)))
	if e.Gain != nil {
		fmt.Fprintf(a.stdout, "the eight symmetries lower the MSE by %.4f\n", *e.Gain)
	}
}
