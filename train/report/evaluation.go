package report

// An Evaluation is the result of [Evaluate]: the ensemble's metrics, which for one member are its own.
type Evaluation struct {
	Data string `json:"data"`
	Metrics
	Members  []Member `json:"members"`
	Ensemble Metrics  `json:"ensemble"`
	Mean     Metrics  `json:"mean"` // of the members
	// Gain is the mean's errors less the ensemble's.
	Gain Gain `json:"gain"`
	// Disagreement is the fraction of images that not all members put into the same class.
	Disagreement float64  `json:"disagreement"`
	Crops        int      `json:"crops"`
	Flip         bool     `json:"flip"`
	Batch        int      `json:"batch"`            // images in a step of the first member, all their views included
	Threads      int      `json:"threads"`          // of all of them
	Half         []string `json:"half,omitempty"`   // layers with weights of 16 bits, of any member
	Broken       int      `json:"broken,omitempty"` // images that cannot be read and are not counted
	Warnings     []string `json:"warnings,omitempty"`
	// OneCrop is the same without further views.
	OneCrop   *Evaluation `json:"one_crop,omitempty"`
	Worst     []Mistake   `json:"worst,omitempty"`
	Confusion Confusion   `json:"-"`
	// Classes has an entry for each class of the network, in its order.
	Classes []ClassResult `json:"classes,omitempty"`
	// Part is the data set's that was evaluated; empty if it has none.
	Part string `json:"part,omitempty"`
}

// A ClassResult is what an evaluation says of one class: Precision is the part of the images taken for it that are of
// it, Recall the part of its images that were taken for it.
type ClassResult struct {
	Name      string   `json:"name"`
	Images    int      `json:"images"`
	Precision Optional `json:"precision"`
	Recall    Optional `json:"recall"`
	// Predicted is the number of images that were taken for it.
	Predicted int `json:"predicted"`
}

// A Gain is the difference of two errors, as fractions.
type Gain struct {
	Top1 float64  `json:"top1_error"`
	Top5 Optional `json:"top5_error,omitzero"`
}

// A Member is one network of an [Evaluation].
type Member struct {
	Weights string `json:"weights"`
	Network string `json:"network"`
	Variant string `json:"variant,omitempty"`
	Seed    uint64 `json:"seed"`
	Epoch   int    `json:"epoch"`
	Metrics
}
