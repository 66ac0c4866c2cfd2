package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// writeCard evaluates the weights as their files will hold them, writes the files with what was measured
// and the card beside them.
func (a *app) writeCard(ctx context.Context, list []exportedFile, flags exportFlags, write func(string, *weights.File, exportFlags) error) error {
	meta := list[0].file.Meta
	m, err := infer.Stored(meta)
	if err != nil {
		return fmt.Errorf("%s: %w", list[0].from, err)
	}
	entry, err := zoo.Lookup(m.Name)
	if err != nil {
		return err
	}
	size, err := zoo.Inspect(m)
	if err != nil {
		return err
	}
	card := report.WeightsCard{
		Name:    strings.TrimSuffix(filepath.Base(flags.out), filepath.Ext(flags.out)),
		Network: entry.Title, MACs: size.MACs, Trained: size.Parameters, Choice: choice(list[0].from),
	}
	if meta.Data == "" {
		return fmt.Errorf("%s: the file does not say what data it was trained on, which the card has to", list[0].from)
	}
	if card.Data, err = datasets.Lookup(meta.Data); err != nil {
		return fmt.Errorf("%s: %w", list[0].from, err)
	}
	if card.Evaluations, err = measured(ctx, list, flags); err != nil {
		return err
	}
	e := card.Evaluations[0]
	for i, out := range list {
		out.file.Meta.Metrics = metrics("", e.Members[i].Metrics)
		if len(list) > 1 {
			maps.Copy(out.file.Meta.Metrics, metrics("ensemble_", e.Ensemble))
		}
		if err := write(out.to, out.file, flags); err != nil {
			return err
		}
		content, err := os.ReadFile(out.to)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		f := report.WeightsFile{Path: out.to, Type: "F32", Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Meta: out.file.Meta}
		if flags.half {
			f.Type = "F16"
		}
		card.Files = append(card.Files, f)
	}
	to := strings.TrimSuffix(flags.out, filepath.Ext(flags.out)) + ".md"
	err = weights.WriteAtomically(to, func(w io.Writer) error {
		_, err := io.WriteString(w, card.String())
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range card.Evaluations {
		result := "top-1 error " + report.Percent(e.Top1)
		if e.Squared {
			result = resultOf(e)
		}
		fmt.Fprintf(a.stdout, "%s: %s on %s images of %s\n", to, result, report.Group(int64(e.Images)), e.Data)
	}
	return nil
}

// measured evaluates on the data's own test images, and on the part of them that is in the program.
func measured(ctx context.Context, list []exportedFile, flags exportFlags) ([]report.Evaluation, error) {
	of := list[0].data
	of.name = list[0].file.Meta.Data // not the embedded part
	if flags.data != "" {
		var err error
		if of.name, of.dir, err = dataFlag(flags.data); err != nil {
			return nil, fmt.Errorf("--card: %w (--data NAME=FOLDER names a folder)", err)
		}
		of.given = true
	}
	files := map[string][]byte{}
	c := train.EvalConfig{Network: stored, Batch: of.batch, Open: func(name string) (*weights.Reader, error) {
		return weights.NewReader(name, bytes.NewReader(files[name]), int64(len(files[name])))
	}}
	for _, e := range list {
		var b bytes.Buffer
		write := weights.Write
		if flags.half {
			write = weights.WriteHalf
		}
		if err := write(&b, e.file); err != nil {
			return nil, fmt.Errorf("%s: %w", e.from, err)
		}
		files[e.to] = b.Bytes()
		c.Weights = append(c.Weights, e.to)
	}
	sets := []source{of}
	if part := embeddedPart(of.name); part != of.name {
		sets = append(sets, source{name: part, batch: of.batch})
	}
	var done []report.Evaluation
	for _, s := range sets {
		var err error
		if c.Images, c.Limit, _, err = s.images(""); err != nil {
			return nil, fmt.Errorf("--card: %w", err)
		}
		e, err := train.Evaluate(ctx, c)
		if err != nil {
			return nil, err
		}
		e.Data = s.name
		done = append(done, e)
	}
	return done, nil
}

func metrics(prefix string, m report.Metrics) map[string]float64 {
	if m.Squared {
		return map[string]float64{prefix + "mse": m.Loss, prefix + "sign_right": 1 - m.Top1}
	}
	all := map[string]float64{prefix + "loss": m.Loss, prefix + "top1_error": m.Top1}
	if m.Top5.Known {
		all[prefix+"top5_error"] = m.Top5.Value
	}
	return all
}

// choice says how weights were chosen among those of a run.
func choice(from string) string {
	switch filepath.Base(from) {
	case filepath.Base(report.LastFile):
		return "These are the weights after the last epoch. No test image had a part in training or in the choice of these weights."
	case filepath.Base(report.BestFile):
		return "These are the weights of the epoch with the lowest error on the images that were held out for that. No test image had a part in training or in the choice of these weights."
	}
	return ""
}
