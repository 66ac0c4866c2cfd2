package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Augmentation is what happens to training images, one step after the other, as text. Package
// datasets says which steps there are, and what they mean:
//
//	crop(4), flip, cutout(size=16, fill=mean), mixup(0.2)
type Augmentation []string

// ParseAugmentation takes a text apart into its steps.
func ParseAugmentation(text string) Augmentation {
	var a Augmentation
	begin, depth := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			a, begin = append(a, strings.TrimSpace(text[begin:i])), i+1
		}
	}
	if last := strings.TrimSpace(text[begin:]); last != "" || len(a) > 0 {
		a = append(a, last)
	}
	return a
}

// String writes the steps with commas between.
func (a Augmentation) String() string { return strings.Join(a, ", ") }

// UnmarshalText reads steps with commas between, or a JSON list.
func (a *Augmentation) UnmarshalText(text []byte) error {
	if strings.HasPrefix(strings.TrimSpace(string(text)), "[") {
		return a.UnmarshalJSON(text)
	}
	*a = ParseAugmentation(string(text))
	return nil
}

// MarshalJSON writes a list, also if it is empty.
func (a Augmentation) MarshalJSON() ([]byte, error) { return json.Marshal(append([]string{}, a...)) }

// UnmarshalJSON reads one text with all steps, or a list of texts or of objects such as
// {"name": "crop", "pad": 4}.
func (a *Augmentation) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*a = ParseAugmentation(text)
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*a = nil
	for _, one := range list {
		step, err := parseStep(one)
		if err != nil {
			return err
		}
		*a = append(*a, step)
	}
	return nil
}

// parseStep reads a step of a JSON list.
func parseStep(data json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return "", fmt.Errorf(`a transform should be text, or an object such as {"name": "crop", "pad": 4}, not %.40s`, data)
	}
	if err := json.Unmarshal(object["name"], &text); err != nil {
		return "", fmt.Errorf(`a transform without a name: should be an object such as {"name": "crop", "pad": 4}, not %.40s`, data)
	}
	delete(object, "name")
	var parameters []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := string(object[key])
		if err := json.Unmarshal(object[key], &value); err != nil && strings.HasPrefix(value, `"`) {
			return "", fmt.Errorf("%s: %s: %w", text, key, err)
		}
		parameters = append(parameters, key+"="+value)
	}
	if len(parameters) == 0 {
		return text, nil
	}
	return text + "(" + strings.Join(parameters, ", ") + ")", nil
}
