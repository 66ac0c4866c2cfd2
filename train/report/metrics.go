package report

import (
	"encoding/csv"
	"encoding/json"
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
	Images  int      `json:"images"`
	Loss    float64  `json:"loss"`
	Top1    float64  `json:"top1_error"`
	Top5    Optional `json:"top5_error,omitzero"` // of more than five classes
	Squared bool     `json:"squared,omitempty"`

	// Objective is what was trained for in place of classes or a number, and what Loss is of; Top1 is then the mean
	// error that belongs to it, if Judged.
	Objective string `json:"objective,omitempty"`
	Judged    bool   `json:"judged,omitempty"`
}

// An Optional is a fraction that may have no meaning, such as the top-5 error of five classes or the recall of a class
// without images.
type Optional struct {
	Value float64
	Known bool
}

// Some is a fraction that has a meaning.
func Some(v float64) Optional { return Optional{v, true} }

// Ratio is a part of a whole, which has no meaning where there is none.
func Ratio(part, whole int) Optional {
	if whole == 0 {
		return Optional{}
	}
	return Some(float64(part) / float64(whole))
}

// String writes it in percent, or nothing.
func (o Optional) String() string {
	if !o.Known {
		return ""
	}
	return Percent(o.Value)
}

// MarshalJSON writes a number, or null.
func (o Optional) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Optional) UnmarshalJSON(text []byte) error {
	var v *float64
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*o = Optional{}
	if v != nil {
		*o = Some(*v)
	}
	return nil
}

// Result tells what matters of m, as in "error 8.27 % (top-5 0.35 %)", "error 8.27 %" or "MSE 0.2340, sign right 81.20 %".
func (m Metrics) Result() string {
	if m.Objective != "" {
		text := fmt.Sprintf("%s %.4f", m.Objective, m.Loss)
		if m.Judged {
			text += ", error " + Percent(m.Top1)
		}
		return text
	}
	if m.Squared {
		return fmt.Sprintf("MSE %.4f, sign right %s", m.Loss, Percent(1-m.Top1))
	}
	if !m.Top5.Known {
		return "error " + Percent(m.Top1)
	}
	return fmt.Sprintf("error %s (top-5 %v)", Percent(m.Top1), m.Top5)
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
	Epoch   float64 `json:"epoch"`   // done so far; whole but for a run that its time ended
	Step    int     `json:"step"`    // done so far
	LR      float64 `json:"lr"`      // of the last step
	Train   Metrics `json:"train"`   // of the training images while they were trained on
	Val     Metrics `json:"val"`     // of the images that choose the best weights
	Seconds float64 `json:"seconds"` // of the run so far
	Rate    float64 `json:"images_per_second"`
	Best    bool    `json:"best"` // the best so far
}

// The columns of metrics.csv, for networks with classes and for those trained on squared distances.
const (
	columns        = "epoch,step,lr,train_loss,train_top1_error,val_loss,val_top1_error,val_top5_error,images_per_second,seconds"
	squaredColumns = "epoch,step,lr,train_mse,train_sign_right,val_mse,val_sign_right,images_per_second,seconds"
)

// Table writes the history as CSV.
func Table(rows []Epoch) string {
	var b strings.Builder
	if len(rows) > 0 && rows[0].Val.Squared {
		b.WriteString(squaredColumns + "\n")
	} else {
		b.WriteString(columns + "\n")
	}
	for _, r := range rows {
		top5 := math.NaN() // an empty cell
		if r.Val.Top5.Known {
			top5 = r.Val.Top5.Value
		}
		values := []float64{r.Epoch, float64(r.Step), r.LR, r.Train.Loss, r.Train.Top1, r.Val.Loss, r.Val.Top1, top5, r.Rate, r.Seconds}
		if r.Val.Squared {
			values = []float64{r.Epoch, float64(r.Step), r.LR, r.Train.Loss, 1 - r.Train.Top1, r.Val.Loss, 1 - r.Val.Top1, r.Rate, r.Seconds}
		}
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			if !math.IsNaN(v) {
				b.WriteString(strconv.FormatFloat(v, 'g', 6, 64))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ReadTable reads what Table writes. Columns are found by their names, so that those of other versions
// may come between. It does not know what Table leaves out: numbers of images, and which epoch was best.
func ReadTable(r io.Reader) ([]Epoch, error) {
	if r == nil {
		return nil, errors.New("there is nothing to read")
	}
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
		if i < 0 { // as runs of earlier versions have it
			i = slices.Index(head, map[string]string{"val_loss": "test_loss", "val_top1_error": "top1_error", "val_top5_error": "top5_error"}[name])
		}
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
		var step, top5 float64
		for i, to := range []*float64{&e.Epoch, &step, &e.LR, &e.Train.Loss, &e.Train.Top1, &e.Val.Loss, &e.Val.Top1, &top5, &e.Rate, &e.Seconds} {
			if to == &top5 && fields[at[i]] == "" {
				continue
			}
			v, err := strconv.ParseFloat(fields[at[i]], 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				line, _ := in.FieldPos(at[i])
				return nil, fmt.Errorf("line %d: %s is %q: should be a finite number", line, strings.Split(columns, ",")[i], fields[at[i]])
			}
			if *to = v; to == &top5 {
				e.Val.Top5 = Some(v)
			}
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
