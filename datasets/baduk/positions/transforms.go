package positions

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func init() {
	augment.Register(augment.Kind{Name: "symmetry", About: "one of the board's eight symmetries, the move turned with it (Silver et al. 2016)", Default: Symmetry{}})
	augment.Register(augment.Kind{Name: "draw", About: "another position of each game in each epoch, and of other games where epochs are part of them (Silver et al. 2016)", Default: Draw{Of: 1}})
	augment.Register(augment.Kind{Name: "advance", About: "another of so many neighbouring positions in each epoch: epochs of part of the games", Default: Advance{Of: 1}})
}

// Symmetry turns a position and its label by one of the board's eight symmetries, each as likely as the
// others (Silver et al. 2016, methods, "Symmetries").
type Symmetry struct {
	// Still says that the label is no point, and stays. A loader sets it for a transform named in its Augment.
	Still bool
}

// Fit returns the transform for a source.
func (t Symmetry) Fit(src image.List) (augment.Transform, error) {
	if s, ok := src.(datasets.Source); ok {
		t.Still = len(s.Info().Classes) == 0
	}
	return t, nil
}

// Apply turns the sample.
func (t Symmetry) Apply(s *augment.Sample) error {
	img := s.Image
	if img.H != img.W || img.H < baduk.MinSize || img.H > baduk.MaxSize {
		return fmt.Errorf("symmetry: an image of %v is no board", img.Shape)
	}
	if !t.Still && (s.Label < 0 || s.Label >= img.H*img.W) {
		return fmt.Errorf("symmetry: the label %d is no point of a board of %d×%[2]d", s.Label, img.H)
	}
	turn := baduk.Symmetry(augment.Below(s.Rand, baduk.Symmetries))
	if turn == 0 {
		return nil
	}
	old := s.Renew(img.Shape)
	for c := range old.C {
		baduk.Turn(s.Image.Plane(c), old.Plane(c), turn, old.H)
	}
	if !t.Still {
		s.Label = int(turn.Point(baduk.Point(s.Label), old.H))
	}
	return nil
}

// Advance makes epochs short where games are many: an epoch takes one position of every Of neighbouring
// ones, the next epoch the one after it, until after Of epochs all have come. The loader's limit should be
// the number of positions divided by Of, or less.
type Advance struct {
	Of int `param:"of [1,1000000]"`
	// Source is where positions come from. A loader sets it for a transform named in its Augment.
	Source *Source
}

// Fit returns the transform for a source, which must be of this package.
func (t Advance) Fit(src image.List) (augment.Transform, error) {
	s, ok := src.(*Source)
	if !ok {
		return nil, fmt.Errorf("advance: is for the data set %s, not %T", Name, src)
	}
	t.Source = s
	return t, nil
}

// Apply replaces the sample.
func (t Advance) Apply(s *augment.Sample) error {
	if t.Source == nil {
		return fmt.Errorf("advance: has no source: it comes from Fit")
	}
	step := s.Epoch % t.Of
	if step == 0 {
		return nil
	}
	i := (s.Index + step) % t.Source.Len()
	s.Label = t.Source.Label(i)
	return t.Source.Image(i, s.Image)
}

// Draw shows another position of each game in each epoch, drawn by chance. Where an epoch has but a part of the
// draws of a [Results], one of every Of neighbouring ones, each epoch takes the next, until after Of epochs all
// have come.
type Draw struct {
	Of int `param:"of [1,1000000]"`
	// Source is where positions come from. A loader sets it for a transform named in its Augment.
	Source *Results
}

// Fit returns the transform for a source, which must be [Results].
func (t Draw) Fit(src image.List) (augment.Transform, error) {
	r, ok := src.(*Results)
	if !ok {
		return nil, fmt.Errorf("draw: is for the data set %s, not %T", ResultsName, src)
	}
	t.Source = r
	return t, nil
}

// Apply replaces the sample.
func (t Draw) Apply(s *augment.Sample) error {
	if t.Source == nil {
		return fmt.Errorf("draw: has no source: it comes from Fit")
	}
	i := (s.Index + s.Epoch%t.Of) % t.Source.Len()
	position := t.Source.position(i, augment.Between(s.Rand, 0, 1))
	s.Label = t.Source.corpus.Outcome(position)
	return t.Source.write(position, s.Image)
}
