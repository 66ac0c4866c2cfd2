package labels

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// fields are where JSON files keep classes: a Hugging Face config.json, timm's, YOLO's, COCO's.
var fields = []string{"id2label", "label_names", "label2id", "names", "class_names", "classes", "categories", "labels", "pretrained_cfg"}

var errJSON = errors.New(`no classes in this JSON: should be ["cat", "dog"], {"0": "cat", "1": "dog"}, {"0": ["n02123045", "cat"], …}, or have id2label`)

// fromJSON reads classes from a list of names, an object from numbers to names or from names to numbers, or
// an object that has one of these in a field.
func fromJSON(text []byte) ([]string, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return fromValue(v, 0)
}

func fromValue(v any, depth int) ([]string, error) {
	switch v := v.(type) {
	case []any:
		return fromList(v)
	case map[string]any:
		if names, ok := fromMap(v); ok {
			return names, nil
		}
		if depth > 0 {
			return nil, errJSON
		}
		for _, field := range fields {
			if inner, ok := v[field]; ok && inner != nil {
				names, err := fromValue(inner, map[bool]int{true: 0, false: 1}[field == "pretrained_cfg"])
				if err == nil {
					return names, nil
				}
			}
		}
	}
	return nil, errJSON
}

// fromList reads ["cat", …], [["n02123045", "cat"], …] or [{"id": 0, "name": "cat"}, …].
func fromList(list []any) ([]string, error) {
	var names []string
	byID := map[int]string{}
	for _, item := range list {
		if o, ok := item.(map[string]any); ok {
			name, ok := nameOf(o["name"])
			id, isNumber := o["id"].(float64)
			if !ok {
				return nil, errJSON
			}
			names = append(names, name)
			if isNumber && id == float64(int(id)) {
				byID[int(id)] = name
			}
			continue
		}
		name, ok := nameOf(item)
		if !ok {
			return nil, errJSON
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, errJSON
	}
	if len(byID) > 0 {
		ordered, ok := inOrder(byID, len(names))
		if !ok {
			return nil, fmt.Errorf("the classes' ids do not run from 0, or 1, to their number, %d", len(names))
		}
		return ordered, nil
	}
	return names, nil
}

// fromMap reads {"0": "cat", …}, {"0": ["n02123045", "cat"], …} or {"cat": 0, …}.
func fromMap(m map[string]any) ([]string, bool) {
	found := map[int]string{}
	for key, value := range m {
		if n, err := strconv.Atoi(key); err == nil {
			name, ok := nameOf(value)
			if !ok {
				return nil, false
			}
			found[n] = name
			continue
		}
		n, ok := value.(float64)
		if text, isText := value.(string); isText { // as some configurations have it
			i, err := strconv.Atoi(text)
			n, ok = float64(i), err == nil
		}
		if !ok || n != float64(int(n)) {
			return nil, false
		}
		found[int(n)] = key
	}
	return inOrder(found, len(m))
}

// nameOf is a class's name: a text, or the readable one of WordNet's number and name.
func nameOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case []any:
		if len(v) == 2 {
			first, ok := v[0].(string)
			second, ok2 := v[1].(string)
			if ok && ok2 && wordNet.MatchString(first) {
				return readable(second), true
			}
		}
	}
	return "", false
}

// readable takes the underscores out of Keras's names.
func readable(name string) string { return strings.ReplaceAll(name, "_", " ") }
