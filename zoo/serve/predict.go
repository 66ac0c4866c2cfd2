package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// A Prediction is one class that an image may show.
type Prediction struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float32 `json:"probability"`
}

// An Answer is what is said of one image.
type Answer struct {
	File string       `json:"file,omitempty"` // as the sender calls it
	Top  []Prediction `json:"top"`
}

// predict is for a person at a shell, and for a page: images as form fields, or one as the body.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	m, err := s.worker(r.PathValue("name"))
	if err != nil {
		return err
	}
	top := 5
	if text := r.URL.Query().Get("top"); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 {
			return badRequest("top %q: should be a number from 1", text)
		}
	}
	names, files, err := uploads(r, m.limits.Images)
	if err != nil {
		return err
	}
	logits, err := m.files(r.Context(), files)
	if err != nil {
		return err
	}
	answers := make([]Answer, len(files))
	for i := range answers {
		answers[i] = Answer{names[i], m.top(logits[i], top)}
	}
	return writeJSON(w, http.StatusOK, map[string]any{"model": m.name, "images": answers})
}

// uploads reads the images of a request.
func uploads(r *http.Request, most int) (names []string, files [][]byte, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if !strings.HasPrefix(kind, "multipart/") {
		file, err := whole(r)
		if err != nil {
			return nil, nil, err
		}
		if len(file) == 0 {
			return nil, nil, badRequest("no image: send one as the body, or as a form field: curl -F image=@cat.jpg")
		}
		return []string{""}, [][]byte{file}, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, nil, badRequest("the form cannot be read: %v", err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, unread(err)
		}
		file, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, unread(err)
		}
		if part.FileName() == "" && part.FormName() != "image" {
			continue // another field of a form
		}
		if len(files) == most {
			return nil, nil, &status{http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d images in a request", most)}
		}
		names, files = append(names, part.FileName()), append(files, file)
	}
	if len(files) == 0 {
		return nil, nil, badRequest("the form has no image: curl -F image=@cat.jpg")
	}
	return names, files, nil
}

// v1Predict is KServe's first protocol, and TensorFlow Serving's: POST /v1/models/NAME:predict.
func (s *Server) v1Predict(w http.ResponseWriter, r *http.Request) error {
	name, verb, ok := strings.Cut(r.PathValue("name"), ":")
	if !ok || verb != "predict" {
		return &status{http.StatusNotFound, fmt.Sprintf("POST /v1/models/%s: should be /v1/models/NAME:predict", r.PathValue("name"))}
	}
	m, err := s.worker(name)
	if err != nil {
		return err
	}
	body, err := whole(r)
	if err != nil {
		return err
	}
	var q struct {
		Instances []json.RawMessage `json:"instances"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return noProtocol(err)
	}
	if len(q.Instances) == 0 {
		return badRequest(`there are no instances: {"instances":[{"image_bytes":{"b64":"…"}}]}`)
	}
	var files [][]byte
	for i, instance := range q.Instances {
		text, err := base64Of(instance)
		if err != nil {
			return badRequest("instance %d: %v", i, err)
		}
		file, err := unbase64(text)
		if err != nil {
			return badRequest("instance %d: %v", i, err)
		}
		files = append(files, file)
	}
	logits, err := m.files(r.Context(), files)
	if err != nil {
		return err
	}
	answers := make([]Answer, len(files))
	for i := range answers {
		answers[i].Top = m.top(logits[i], 5)
	}
	return writeJSON(w, http.StatusOK, map[string]any{"predictions": answers})
}

// base64Of finds the text of {"b64":"…"}, by itself or under a key, whose name differs between servers.
func base64Of(instance json.RawMessage) (string, error) {
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(instance, &outer); err != nil {
		return "", errors.New(`should be {"image_bytes":{"b64":"…"}}`)
	}
	if v, ok := outer["b64"]; ok {
		var text string
		if json.Unmarshal(v, &text) != nil {
			return "", errors.New("b64 should be a text")
		}
		return text, nil
	}
	if len(outer) == 1 {
		for key, v := range outer {
			var inner struct {
				B64 *string `json:"b64"`
			}
			if json.Unmarshal(v, &inner) == nil && inner.B64 != nil {
				return *inner.B64, nil
			}
			return "", fmt.Errorf(`%q should be {"b64":"…"}`, key)
		}
	}
	return "", errors.New(`should be {"image_bytes":{"b64":"…"}}`)
}

func (s *Server) v1Status(w http.ResponseWriter, r *http.Request) error {
	m, err := s.worker(r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"name": m.name, "ready": true})
}

// top lists the most probable classes.
func (w *worker) top(logits []float32, n int) []Prediction {
	p := probabilities(logits)
	list := []Prediction{}
	for _, i := range best(p, n) {
		list = append(list, Prediction{w.classes[i], i, p[i]})
	}
	return list
}

// probabilities is the softmax of a row.
func probabilities(logits []float32) []float32 {
	most := math.Inf(-1)
	for _, v := range logits {
		most = max(most, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - most)
	}
	p := make([]float32, len(logits))
	for i, v := range logits {
		p[i] = float32(math.Exp(float64(v)-most) / sum)
	}
	return p
}

// best lists the places of the n largest numbers, of equals the first first.
func best(v []float32, n int) []int {
	n = min(n, len(v))
	list := make([]int, 0, n+1)
	for i, x := range v {
		at := len(list)
		for at > 0 && v[list[at-1]] < x {
			at--
		}
		if at == n {
			continue
		}
		list = append(list, 0)
		copy(list[at+1:], list[at:])
		list[at] = i
		list = list[:min(len(list), n)]
	}
	return list
}
