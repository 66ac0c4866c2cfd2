package report

import (
	"strings"
	"testing"
)

func TestSquaredDistancesAreToldAsSuch(t *testing.T) {
	m := Metrics{Images: 5, Loss: 1.0125, Top1: 3. / 5, Squared: true}
	if got, want := m.Result(), "MSE 1.0125, sign right 40.00 %"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if nearer := (Metrics{Images: 5, Loss: 1, Top1: 1, Squared: true}); !nearer.Better(m) || m.Better(nearer) {
		t.Error("what is nearer is not the better result")
	}
	row := Epoch{Epoch: 1, Step: 2, LR: 0.5, Train: m, Val: m, Rate: 3, Seconds: 4}
	if got, want := Table([]Epoch{row}), "epoch,step,lr,train_mse,train_sign_right,val_mse,val_sign_right,images_per_second,seconds\n1,2,0.5,1.0125,0.4,1.0125,0.4,3,4\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	l := Lines{digits: 1}
	if got, want := l.row(row, 0), "epoch 1: train MSE 1.0125, sign right 40.00 %, val MSE 1.0125, sign right 40.00 %, 3 images/s, 4.0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheHistoryAsATable(t *testing.T) {
	rows := []Epoch{
		{Epoch: 1, Step: 157, LR: 0.1, Train: Metrics{Images: 100, Loss: 2.25, Top1: 0.5, Top5: Some(0.125)}, Val: Metrics{Images: 50, Loss: 1.5, Top1: 0.25, Top5: Some(0.0625)}, Seconds: 1.5, Rate: 1000},
		{Epoch: 1.43, Step: 224, LR: 1e-7, Seconds: 2},
	}
	want := `epoch,step,lr,train_loss,train_top1_error,val_loss,val_top1_error,val_top5_error,images_per_second,seconds
1,157,0.1,2.25,0.5,1.5,0.25,0.0625,1000,1.5
1.43,224,1e-07,0,0,0,0,,0,2
`
	if got := Table(rows); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n := strings.Count(Table(nil), "\n"); n != 1 {
		t.Errorf("an empty table has %d lines", n)
	}
}
