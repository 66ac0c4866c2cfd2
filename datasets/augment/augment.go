package augment

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/nearest"
)

// A Spec is a list of transforms and mixers as data, in the order that they are applied in:
//
//	crop(4), flip, cutout(size=16, fill=mean), mixup(0.2)
//
// Parameters stand in the order of [Kinds], or with their names; what is left out has its default. In
// JSON it is a list of such texts, or of objects such as {"name": "crop", "pad": 4}. What is written
// out has all parameters, so that later defaults do not change it.
type Spec []Step

// A Step is one transform or mixer of an augmentation, with its parameters.
type Step struct {
	name  string
	value any // a Transform, a Mixer or a Fitter: the registered type
}

// A Fitter is a transform that must see the data set before it can be applied.
type Fitter interface {
	Fit(src image.List) (Transform, error)
}

// Parse reads an augmentation from text, or from JSON if the text is a JSON list. The error
// of an unknown name tells the nearest one.
func Parse(text string) (Spec, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		var a Spec
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			return nil, err
		}
		return a, nil
	}
	var a Spec
	for rest := strings.TrimSpace(text); rest != ""; {
		end, depth := len(rest), 0
		for i, r := range rest {
			if r == '(' {
				depth++
			} else if r == ')' {
				depth--
			} else if r == ',' && depth == 0 {
				end = i
				break
			}
		}
		s, err := ParseStep(rest[:end])
		if err != nil {
			return nil, err
		}
		a = append(a, s)
		if end == len(rest) {
			break
		}
		if rest = strings.TrimSpace(rest[end+1:]); rest == "" {
			return nil, errors.New("augmentation: nothing after the last comma")
		}
	}
	return a, nil
}

// MustParse is [Parse] for what a program itself says: it panics if that is wrong.
func MustParse(text string) Spec {
	a, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// ParseStep reads one transform or mixer, such as "crop(4)".
func ParseStep(text string) (Step, error) {
	text = strings.TrimSpace(text)
	name, args, has := strings.Cut(text, "(")
	step, params, err := newStep(strings.TrimSpace(name))
	if err != nil {
		return Step{}, err
	}
	if !has {
		return step, step.Validate()
	}
	args, closed := strings.CutSuffix(args, ")")
	if !closed || strings.ContainsAny(args, "()") {
		return Step{}, fmt.Errorf("%s: %q: should be %[1]s(parameter, …)", step.name, text)
	}
	if strings.TrimSpace(args) == "" {
		return step, step.Validate()
	}
	given := map[string]bool{}
	byName := false
	for i, arg := range strings.Split(args, ",") {
		key, value, named := strings.Cut(arg, "=")
		if key = strings.TrimSpace(key); !named {
			value = key
			if i >= len(params) {
				return Step{}, fmt.Errorf("%s: %d parameters: there are %d", step.name, i+1, len(params))
			}
			if byName {
				return Step{}, fmt.Errorf("%s: %q: needs a name, because one before it has one", step.name, value)
			}
			key = params[i].Name
		}
		if given[key] {
			return Step{}, fmt.Errorf("%s: %s is given twice", step.name, key)
		}
		given[key] = true
		byName = byName || named
		if err := step.set(params, key, strings.TrimSpace(value)); err != nil {
			return Step{}, err
		}
	}
	return step, step.Validate()
}

// newStep returns a kind with its defaults, and its parameters.
func newStep(name string) (Step, []Param, error) {
	kinds.RLock()
	k, ok := kinds.all[name]
	kinds.RUnlock()
	if !ok {
		var names []string
		for _, k := range Kinds() {
			names = append(names, k.Name)
		}
		if near := nearest.Nearest(name, names); near != "" {
			return Step{}, nil, fmt.Errorf("unknown transform %q: did you mean %q?", name, near)
		}
		return Step{}, nil, fmt.Errorf("unknown transform %q: known are %s", name, strings.Join(names, ", "))
	}
	return Step{name, k.Default}, k.Params(), nil
}

// set gives a parameter its value from text.
func (s *Step) set(params []Param, key, text string) error {
	i := slices.IndexFunc(params, func(p Param) bool { return p.Name == key })
	if i < 0 {
		var names []string
		for _, p := range params {
			names = append(names, p.Name)
		}
		if near := nearest.Nearest(key, names); near != "" {
			return fmt.Errorf("%s: unknown parameter %q: did you mean %q?", s.name, key, near)
		}
		return fmt.Errorf("%s: unknown parameter %q: there are %s", s.name, key, strings.Join(names, ", "))
	}
	// A struct within an interface cannot be changed, a copy can.
	v := reflect.New(reflect.TypeOf(s.value)).Elem()
	v.Set(reflect.ValueOf(s.value))
	field := v.Field(params[i].field)
	bad := func(want string) error { return fmt.Errorf("%s: %s %q: should be %s", s.name, key, text, want) }
	switch field.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return bad("a whole number")
		}
		field.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad("a number")
		}
		field.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return bad("true or false")
		}
		field.SetBool(b)
	default:
		if err := field.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s: %s %q: %w", s.name, key, text, err)
		}
	}
	s.value = v.Interface()
	return nil
}

// Validate says which parameter is out of its range.
func (s Step) Validate() error {
	_, transform := s.value.(Transform)
	_, mixer := s.value.(Mixer)
	if !transform && !mixer {
		return fmt.Errorf("%s: %T is neither a transform nor a mixer", s.name, s.value)
	}
	if _, fitter := s.value.(Fitter); !fitter {
		// Not to be taken for one that needs no data.
		if _, fit := reflect.TypeOf(s.value).MethodByName("Fit"); fit {
			return fmt.Errorf("%s: %T has a method Fit that is no Fitter's", s.name, s.value)
		}
	}
	params, err := paramsOf(s.value)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	v := reflect.ValueOf(s.value)
	for _, p := range params {
		if !p.number {
			continue
		}
		field := v.Field(p.field)
		x := 0.0
		if field.Kind() == reflect.Int {
			x = float64(field.Int())
		} else {
			x = field.Float()
		}
		if !(x >= p.low && x <= p.high) || p.openLow && x == p.low || p.openHigh && x == p.high {
			return fmt.Errorf("%s: %s %v: should be %s", s.name, p.Name, field, p.Range)
		}
	}
	if c, ok := s.value.(interface{ Validate() error }); ok {
		if err := c.Validate(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// Name returns the name that the step is registered by.
func (s Step) Name() string { return s.name }

// Value returns the transform or mixer, as its registered type.
func (s Step) Value() any { return s.value }

// String writes the step with all of its parameters, so that it can be read again.
func (s Step) String() string {
	if s.value == nil {
		return s.name
	}
	params, err := paramsOf(s.value)
	if err != nil || len(params) == 0 {
		return s.name
	}
	var all []string
	for _, p := range params {
		all = append(all, p.Name+"="+p.Default)
	}
	return s.name + "(" + strings.Join(all, ", ") + ")"
}

// String writes the augmentation so that it can be read again.
func (a Spec) String() string {
	var all []string
	for _, s := range a {
		all = append(all, s.String())
	}
	return strings.Join(all, ", ")
}

// UnmarshalText reads what [Parse] does.
func (a *Spec) UnmarshalText(text []byte) (err error) {
	*a, err = Parse(string(text))
	return err
}

// UnmarshalJSON reads a list of steps, or one text with all of them.
func (a *Spec) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		return a.UnmarshalText([]byte(text))
	}
	var list []Step
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if *a = nil; len(list) > 0 {
		*a = list
	}
	return nil
}

// MarshalJSON writes a list, also if it is empty.
func (a Spec) MarshalJSON() ([]byte, error) { return json.Marshal(append([]Step{}, a...)) }

// MarshalJSON writes the step as text.
func (s Step) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads a step from text, or from an object with its name and parameters.
func (s *Step) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*s, err = ParseStep(text)
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return fmt.Errorf(`a transform should be text, or an object such as {"name": "crop", "pad": 4}, not %.40s`, data)
	}
	if err := json.Unmarshal(object["name"], &text); err != nil {
		return fmt.Errorf(`a transform without a name: should be an object such as {"name": "crop", "pad": 4}, not %.40s`, data)
	}
	delete(object, "name")
	step, params, err := newStep(text)
	if err != nil {
		return err
	}
	for key, value := range object {
		word := string(bytes.TrimSpace(value))
		if err := json.Unmarshal(value, &word); err != nil && strings.HasPrefix(word, `"`) {
			return fmt.Errorf("%s: %s: %w", step.name, key, err)
		}
		if err := step.set(params, key, word); err != nil {
			return err
		}
	}
	if err := step.Validate(); err != nil {
		return err
	}
	*s = step
	return nil
}

// Build returns what a loader needs for the source: transforms, those that depend on the data fitted
// to it, and mixers.
func (a Spec) Build(src image.List) (transforms []Transform, mixers []Mixer, err error) {
	for _, s := range a {
		if err := s.Validate(); err != nil {
			return nil, nil, err
		}
		switch v := s.value.(type) {
		case Fitter:
			t, err := v.Fit(src)
			if err != nil {
				return nil, nil, err
			}
			transforms = append(transforms, t)
		case Transform:
			transforms = append(transforms, v)
		case Mixer:
			mixers = append(mixers, v)
		}
	}
	return transforms, mixers, nil
}
