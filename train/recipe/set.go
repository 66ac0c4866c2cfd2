package recipe

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Keys returns the names of all settings, as [Config.Set] takes them.
func Keys() []string {
	var keys []string
	walk(reflect.ValueOf(&Config{}).Elem(), "", func(key string, _ reflect.Value) { keys = append(keys, key) })
	return keys
}

// Settings returns the value of each setting, as JSON, by its key.
func (c *Config) Settings() map[string]string {
	all := map[string]string{}
	walk(reflect.ValueOf(c).Elem(), "", func(key string, v reflect.Value) {
		text, err := json.Marshal(v.Interface())
		if err != nil {
			text = []byte(err.Error())
		}
		all[key] = string(text)
	})
	return all
}

// Set changes one setting from text. A key is a path into the JSON, such as "optimizer.momentum", or
// its last part where that is unique ("momentum"); "options.x" sets an option of the network. Lists
// are JSON, or numbers with commas between. Another optimizer.name drops
// the momentum, or the betas, that it has no use for. The error of an unknown key tells the nearest.
func (c *Config) Set(key, value string) error {
	if name, ok := strings.CutPrefix(key, "options."); ok && name != "" {
		return c.setOption(name, value)
	}
	var full string
	var field reflect.Value
	var names []string // that a nearest name may be taken from
	short := map[string]int{}
	walk(reflect.ValueOf(c).Elem(), "", func(k string, v reflect.Value) {
		names = append(names, k)
		last := k[strings.LastIndexByte(k, '.')+1:]
		short[last]++
		switch {
		case k == key:
			full, field = k, v
		case last == key && (full == "" || short[last] > 1) && full != key:
			full, field = k, v
		}
	})
	if full != key && short[key] > 1 {
		var all []string
		for _, k := range names {
			if strings.HasSuffix(k, "."+key) {
				all = append(all, k)
			}
		}
		return fmt.Errorf("setting %q: which one: %s?", key, strings.Join(all, " or "))
	}
	if full == "" {
		for k, n := range short {
			if n == 1 && !slices.Contains(names, k) {
				names = append(names, k)
			}
		}
		slices.Sort(names)
		if near := Nearest(key, names); near != "" {
			return fmt.Errorf("unknown setting %q: did you mean %q?", key, near)
		}
		return fmt.Errorf("unknown setting %q: there are %s", key, strings.Join(Keys(), ", "))
	}
	if t, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := t.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%s: %w", full, err)
		}
		return nil
	}
	if want := parse(field, value); want != "" {
		return &ConfigError{Key: full, Value: quoted(value), Want: want}
	}
	if full == "optimizer.name" {
		// What the other kind of optimiser was set to means nothing to this one.
		if o := &c.Optimizer; o.Adaptive() {
			o.Momentum, o.Dampening, o.Nesterov = 0, 0, false
		} else {
			o.Beta1, o.Beta2, o.Eps = 0, 0, 0
		}
	}
	return nil
}

// setOption changes one entry of the network's options; package zoo says later whether it exists.
func (c *Config) setOption(name, value string) error {
	options := map[string]json.RawMessage{}
	if len(c.Options) > 0 {
		if err := json.Unmarshal(c.Options, &options); err != nil {
			return fmt.Errorf("options: %w", err)
		}
	}
	if !json.Valid([]byte(value)) {
		value = strconv.Quote(value)
	}
	options[name] = json.RawMessage(value)
	var err error
	c.Options, err = json.Marshal(options)
	return err
}

// walk calls f for each setting of a struct, in order.
func walk(v reflect.Value, prefix string, f func(key string, v reflect.Value)) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if field := v.Field(i); field.Kind() == reflect.Struct {
			walk(field, prefix+name+".", f)
		} else {
			f(prefix+name, field)
		}
	}
}

// parse sets a field from text; otherwise it returns what the text should be.
func parse(field reflect.Value, text string) (want string) {
	var err error
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		field.SetBool(b)
		want = "true or false"
	case reflect.Int:
		var n int
		n, err = strconv.Atoi(text)
		field.SetInt(int64(n))
		want = "a whole number"
	case reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		field.SetUint(n)
		want = "a whole number, at least 0"
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		field.SetFloat(x)
		want = "a number"
	default: // lists
		want = "a JSON list"
		if kind := field.Type().Elem().Kind(); kind == reflect.Float64 || kind == reflect.Float32 {
			want = "numbers with commas between"
			if !strings.HasPrefix(text, "[") {
				text = "[" + text + "]"
			}
		}
		list := reflect.New(field.Type())
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err = dec.Decode(list.Interface()); err == nil {
			field.Set(list.Elem())
		}
	}
	if err != nil {
		return want
	}
	return ""
}
