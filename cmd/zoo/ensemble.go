package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// ensembleResult is what --json prints for a run of several members.
type ensembleResult struct {
	Folder  string          `json:"folder"`
	Members []report.Result `json:"members"`
}

// ensemble trains the members of a run that are not complete yet, one after another. Change, if not
// nil, is applied to the configuration of members that go on.
func (a *app) ensemble(ctx context.Context, folder string, cfg recipe.Config, change func(*recipe.Config), asJSON bool) error {
	told := context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.stderr, "\nfinishing the step and saving; Ctrl-C again ends at once and loses what came after the last checkpoint")
	})
	defer told()
	c := a.ranks()
	unlock := func() {}
	_, err := onFirst(c, func() (_ string, err error) {
		unlock, err = train.Lock(folder)
		return "", err
	})
	if err != nil {
		return err
	}
	defer unlock()
	results, err := a.members(ctx, c, folder, cfg, change)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(ensembleResult{folder, results})
	}
	t := newTable(a.stdout, "Member", "Seed", "Epochs", "Top-1 error", "Top-5 error", "Time")
	t.SetColumnConfigs(right(2, 3, 4, 5, 6))
	t.spares("Seed", "Time", "Top-5 error")
	for i, r := range results {
		if r.Best != nil {
			t.AppendRow([]any{fmt.Sprintf("m%d", i+1), cfg.Member(i + 1).Seed, fmt.Sprintf("%.4g", r.Epochs), report.Percent(r.Best.Val.Top1), r.Best.Val.Top5, report.Clock(report.Seconds(r.Seconds))})
		}
	}
	t.Render()
	fmt.Fprintf(a.stdout, "\nrun         %s\nevaluate it with: zoo eval %[1]s\n", folder)
	return nil
}

// members trains those that are not complete: one after another, or where there are several ranks side by
// side, each of them by one.
func (a *app) members(ctx context.Context, c cluster.Comm, folder string, cfg recipe.Config, change func(*recipe.Config)) ([]report.Result, error) {
	var results []report.Result
	own := map[int]report.Result{}
	for i := 1; i <= cfg.Ensemble; i++ {
		if (i-1)%c.Size() != c.Rank() {
			continue
		}
		fmt.Fprintf(a.stderr, "member %d of %d, seed %d\n", i, cfg.Ensemble, cfg.Member(i).Seed)
		r, err := a.member(ctx, folder, cfg, i, change)
		if r.Folder != "" && err == nil {
			results, own[i] = append(results, r), r
		}
		if c.Size() == 1 {
			if err := train.WriteEnsembleCard(folder, cfg, results); err != nil {
				return nil, err
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				fmt.Fprintf(a.stderr, "it goes on with: zoo resume %s\n", folder)
			}
			return nil, err
		}
	}
	if c.Size() == 1 {
		return results, nil
	}
	results, err := byMember(c, cfg.Ensemble, own)
	if err != nil {
		return nil, err
	}
	_, err = onFirst(c, func() (string, error) { return "", train.WriteEnsembleCard(folder, cfg, results) })
	return results, err
}

// member trains one member to its end, or goes on with it.
func (a *app) member(ctx context.Context, folder string, cfg recipe.Config, i int, change func(*recipe.Config)) (report.Result, error) {
	opts := train.Options{Events: a.events(), Program: version(), Open: openWeights}
	t, err := train.OpenMember(folder, i,
		func(member string, cfg recipe.Config) (*train.Trainer, error) {
			if change != nil {
				change(&cfg)
			}
			return a.prepare(cfg, cluster.Alone(), func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				return train.Resume(member, cfg, n, d, opts)
			})
		},
		func(member string) (*train.Trainer, error) {
			own := cfg.Member(i)
			if change != nil {
				change(&own)
			}
			opts.Folder = member
			return a.prepare(own, cluster.Alone(), func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				return train.New(cfg, n, d, opts)
			})
		})
	if err != nil {
		return report.Result{}, err
	}
	defer t.Close()
	return t.Run(ctx)
}

// first takes the first n of an ensemble's members, or all for 0.
func first(members []string, n int, of string) ([]string, error) {
	if n > len(members) {
		return nil, fmt.Errorf("%s: %d members have weights, --ensemble %d asks for more", of, len(members), n)
	}
	if n == 0 {
		n = len(members)
	}
	return members[:n], nil
}

// same returns the newest n runs of the network and data of the first of them, which are to be one
// ensemble.
func same(runs []string, n int) ([]string, error) {
	var list []string
	var want recipe.Config
	for _, run := range runs {
		cfg, err := train.ReadConfig(run)
		if err != nil || cfg.Ensemble > 0 {
			continue
		}
		if len(list) == 0 {
			want = cfg
		}
		if cfg.Network == want.Network && cfg.Variant == want.Variant && cfg.Data == want.Data {
			list = append(list, run)
		}
	}
	if len(list) < n {
		what := []string{want.Network, want.Data}
		return nil, fmt.Errorf("%d runs of %s have weights, --ensemble %d asks for more: zoo train %s --ensemble %[3]d makes them", len(list), strings.Join(what, " on "), n, want.Network)
	}
	return list[:n], nil
}
