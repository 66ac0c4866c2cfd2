package train

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// unsaid are the settings that change no result, so that nothing is said of their change.
var unsaid = []string{"threads", "time", "checkpoint", "data_dir", "recipe"}

// fixed are those that cannot change in a run that has begun: what was learned would not be what the settings say.
var fixed = []string{
	"network", "variant", "data", "seed", "batch", "drop_last", "limit", "val", "val_seed", "val_limit", "init", "initialiser", "optimizer.name", "accumulate", "sampling",
	"resize", "crop", "mean", "std",
}

// changes lists how settings differ from those that a run was saved with, as in "epochs 2, now 4". That one has changed
// which cannot is an error.
func changes(saved json.RawMessage, now recipe.Config) ([]string, error) {
	if len(saved) == 0 {
		return nil, nil
	}
	var was recipe.Config
	if err := json.Unmarshal(saved, &was); err != nil {
		return nil, fmt.Errorf("the settings that the run was saved with: %w", err)
	}
	before, after := was.Settings(), now.Settings()
	var list []string
	for _, key := range recipe.Keys() {
		a, b := before[key], after[key]
		if a == b || slices.Contains(unsaid, key) {
			continue
		}
		if slices.Contains(fixed, key) || strings.HasPrefix(key, "options") {
			return nil, fmt.Errorf("%s is %s, the run has %s: that cannot change in a run that has begun (zoo train --init RUN begins a new one with its weights)", key, b, a)
		}
		list = append(list, fmt.Sprintf("%s %s, now %s", key, a, b))
	}
	return list, nil
}
