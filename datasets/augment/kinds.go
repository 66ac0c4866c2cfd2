package augment

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Kind is a transform or mixer that can be named in an [Spec].
type Kind struct {
	Name  string
	About string // one line
	// Default is a struct with each parameter's default, of a type that is a Transform or a Mixer. The
	// fields with a tag param are its parameters, of type int, float64 or bool, or with
	// UnmarshalText and String. The tag is the name and for numbers the range, as in `param:"p (0,1]"`.
	// A method Validate() error may check what the ranges cannot.
	Default any
}

// A Param is a parameter of a kind.
type Param struct {
	Name    string
	Default string
	Range   string // "at least 0, at most 4096"; empty if there is none

	field             int
	low, high         float64
	openLow, openHigh bool
	number            bool
}

var kinds struct {
	sync.RWMutex
	all map[string]Kind
}

// Register makes a transform or mixer known by its name. It is meant for init functions, and
// panics if the name is taken or the default is not what it should be.
func Register(k Kind) {
	kinds.Lock()
	defer kinds.Unlock()
	if _, taken := kinds.all[k.Name]; taken || k.Name == "" || strings.ContainsFunc(k.Name, func(r rune) bool { return !isName(r) }) {
		panic(fmt.Sprintf("augment: cannot register the transform %q: the name is taken or none", k.Name))
	}
	if err := (Step{k.Name, k.Default}).Validate(); err != nil {
		panic("augment: cannot register a transform: " + err.Error())
	}
	if kinds.all == nil {
		kinds.all = map[string]Kind{}
	}
	kinds.all[k.Name] = k
}

// Kinds returns what can be named in an augmentation, sorted by name.
func Kinds() []Kind {
	kinds.RLock()
	defer kinds.RUnlock()
	var all []Kind
	for _, k := range kinds.all {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Params returns the kind's parameters, in their order.
func (k Kind) Params() []Param {
	params, err := paramsOf(k.Default)
	if err != nil {
		panic(err) // Register has seen it
	}
	return params
}

func init() {
	for _, k := range []Kind{
		{"crop", "random crop, after padding (He et al., arXiv:1512.03385; Krizhevsky et al. 2012)", RandomCrop{}},
		{"resized-crop", "part of random area and aspect, scaled to one size (Szegedy et al., arXiv:1409.4842)",
			RandomResizedCrop{MinArea: .08, MaxArea: 1, MinAspect: 3. / 4, MaxAspect: 4. / 3}},
		{"flip", "mirror left to right (Krizhevsky et al. 2012)", HorizontalFlip{P: .5}},
		{"resize", "shorter side to a size (Krizhevsky et al. 2012)", Resize{Size: 256}},
		{"scale", "shorter side to a random size (Simonyan & Zisserman, arXiv:1409.1556)", ScaleJitter{Min: 256, Max: 512}},
		{"pca", "noise along the colours' principal components (Krizhevsky et al. 2012)", PCANoise{Sigma: .1}},
		{"color", "random brightness, contrast and saturation (Howard, arXiv:1312.5402)", ColorJitter{Brightness: .4, Contrast: .4, Saturation: .4}},
		{"rotate", "rotation by a random angle (LeCun et al. 1998)", Rotation{Degrees: 15}},
		{"affine", "translation, scaling, squeezing, shearing (LeCun et al. 1998)", Affine{Translate: .05, Scale: .1, Squeeze: .05, Shear: .1}},
		{"elastic", "elastic distortions (Simard et al. 2003)", Elastic{Alpha: 34, Sigma: 4}},
		{"cutout", "squares blotted out (DeVries & Taylor, arXiv:1708.04552)", Cutout{Size: 16, Count: 1, Fill: Mean}},
		{"mixup", "images of a batch blended, two and two (Zhang et al., arXiv:1710.09412)", Mixup{Alpha: .2, P: 1}},
		{"cutmix", "rectangles of a batch's images exchanged, two and two (Yun et al., arXiv:1905.04899)", CutMix{Alpha: 1, P: 1}},
	} {
		Register(k)
	}
}

// paramsOf reads the tags of a struct's fields.
func paramsOf(value any) ([]Param, error) {
	t := reflect.TypeOf(value)
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is no struct", t)
	}
	var params []Param
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("param")
		if !ok {
			continue
		}
		name, span, _ := strings.Cut(tag, " ")
		p := Param{Name: name, field: i, low: math.Inf(-1), high: math.Inf(1), openLow: true, openHigh: true}
		field := reflect.ValueOf(value).Field(i)
		p.Default = fmt.Sprint(field)
		switch field.Kind() {
		case reflect.Int, reflect.Float64:
			p.number = true
			if span == "" {
				break
			}
			low, high, ok := strings.Cut(strings.Trim(span, "[]()"), ",")
			var errs [2]error
			p.low, errs[0] = strconv.ParseFloat(low, 64)
			p.high, errs[1] = strconv.ParseFloat(high, 64)
			if !ok || errs != [2]error{} {
				return nil, fmt.Errorf("%v.%s: %q is no range", t, t.Field(i).Name, span)
			}
			p.openLow, p.openHigh = span[0] == '(', span[len(span)-1] == ')'
			words := map[bool][2]string{false: {"at least", "at most"}, true: {"above", "below"}}
			p.Range = fmt.Sprintf("%s %v, %s %v", words[p.openLow][0], p.low, words[p.openHigh][1], p.high)
		case reflect.Bool:
		default:
			if _, ok := reflect.New(field.Type()).Interface().(encoding.TextUnmarshaler); !ok {
				return nil, fmt.Errorf("%v.%s: a parameter cannot be of type %v", t, t.Field(i).Name, field.Type())
			}
		}
		params = append(params, p)
	}
	return params, nil
}

// Check checks the parameters of a transform or mixer that did not come by its name.
func Check(value any) error {
	t := reflect.TypeOf(value)
	for _, k := range Kinds() {
		if reflect.TypeOf(k.Default) == t {
			return Step{k.Name, value}.Validate()
		}
	}
	return nil
}

func isName(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' }
