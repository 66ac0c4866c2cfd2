package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics are what an evaluation measures. Errors are fractions of the images: top-1 counts those for
// which another class got a higher output than the right one, top-5 those for which at least five
// others did.
//
// Of networks that are trained on a squared distance, Squared is set, Loss is the mean squared error, and Top1
// the fraction of images for which the output's sign is not the target's.
type Metrics struct {
	Images  int     `json:"images"`
	Loss    float64 `json:"loss"`
	Top1    float64 `json:"top1_error"`
	Top5    float64 `json:"top5_error"`
	Squared bool    `json:"squared,omitempty"`
}

// Result tells what matters of m, as in "error 8.27 % (top-5 0.35 %)" or "MSE 0.2340, sign right 81.20 %".
func (m Metrics) Result() string {
	if m.Squared {
		return fmt.Sprintf("MSE %.4f, sign right %s", m.Loss, Percent(1-m.Top1))
	}
	return fmt.Sprintf("error %s (top-5 %s)", Percent(m.Top1), Percent(m.Top5))
}

// Better reports whether m is the better result: lower top-1 error, then lower loss; of squared distances
// the loss alone.
func (m Metrics) Better(than Metrics) bool {
	if m.Top1 != than.Top1 && !m.Squared {
		return m.Top1 < than.Top1
	}
	return m.Loss < than.Loss
}

// An Epoch is a row of a run's history.
type Epoch struct {
	Epoch   float64 `json:"epoch"` // done so far; whole but for a run that its time ended
	Step    int     `json:"step"`  // done so far
	LR      float64 `json:"lr"`    // of the last step
	Train   Metrics `json:"train"` // of the training images while they were trained on
	Test    Metrics `json:"test"`
	Seconds float64 `json:"seconds"` // of the run so far
	Rate    float64 `json:"images_per_second"`
	Best    bool    `json:"best"` // the best so far
}

// The columns of metrics.csv, for networks with classes and for those trained on squared distances.
const (
	columns        = "epoch,step,lr,train_loss,train_top1_error,test_loss,top1_error,top5_error,images_per_second,seconds"
	squaredColumns = "epoch,step,lr,train_mse,train_sign_right,test_mse,test_sign_right,images_per_second,seconds"
)

// Table writes the history as CSV.
func Table(rows []Epoch) string {
	var b strings.Builder
	if len(rows) > 0 && rows[0].Test.Squared {
		b.WriteString(squaredColumns + "\n")
	} else {
		b.WriteString(columns + "\n")
	}
	for _, r := range rows {
		values := []float64{r.Epoch, float64(r.Step), r.LR, r.Train.Loss, r.Train.Top1, r.Test.Loss, r.Test.Top1, r.Test.Top5, r.Rate, r.Seconds}
		if r.Test.Squared {
			values = []float64{r.Epoch, float64(r.Step), r.LR, r.Train.Loss, 1 - r.Train.Top1, r.Test.Loss, 1 - r.Test.Top1, r.Rate, r.Seconds}
		}
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ReadTable reads what Table writes. Columns are found by their names, so that those of other versions
// may come between. It does not know what Table leaves out: numbers of images, and which epoch was best.
func ReadTable(r io.Reader) ([]Epoch, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err == io.EOF {
		return nil, errors.New("it is empty: a line with the columns' names is needed")
	}
	if err != nil {
		return nil, err
	}
	var at []int
	for name := range strings.SplitSeq(columns, ",") {
		i := slices.Index(head, name)
		if i < 0 {
			return nil, fmt.Errorf("line 1: no column is called %s", name)
		}
		at = append(at, i)
	}
	var rows []Epoch
	for {
		fields, err := in.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		var e Epoch
		var step float64
		for i, to := range []*float64{&e.Epoch, &step, &e.LR, &e.Train.Loss, &e.Train.Top1, &e.Test.Loss, &e.Test.Top1, &e.Test.Top5, &e.Rate, &e.Seconds} {
			v, err := strconv.ParseFloat(fields[at[i]], 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				line, _ := in.FieldPos(at[i])
				return nil, fmt.Errorf("line %d: %s is %q: should be a finite number", line, strings.Split(columns, ",")[i], fields[at[i]])
			}
			*to = v
		}
		if len(rows) > 0 && e.Epoch <= rows[len(rows)-1].Epoch {
			line, _ := in.FieldPos(at[0])
			return nil, fmt.Errorf("line %d: epoch %g comes after epoch %g", line, e.Epoch, rows[len(rows)-1].Epoch)
		}
		e.Step = int(step)
		rows = append(rows, e)
	}
}

// Percent writes a fraction as 12.34 %.
func Percent(fraction float64) string { return fmt.Sprintf("%.2f %%", 100*fraction) }
