package serve

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// The Open Inference Protocol, version 2, with the extensions for binary tensors, classification and the
// model repository as Triton documents them.

const (
	headerLength = "Inference-Header-Content-Length"
	inputName    = "input"
	onlyVersion  = "1"
)

// Outputs of every model.
const (
	outputProbabilities = "probabilities"
	outputLogits        = "logits"
)

type parameters map[string]any

type inferRequest struct {
	ID         string          `json:"id"`
	Parameters parameters      `json:"parameters"`
	Inputs     []inferTensor   `json:"inputs"`
	Outputs    []requestOutput `json:"outputs"`
}

type inferTensor struct {
	Name       string          `json:"name"`
	Shape      []int           `json:"shape"`
	Datatype   string          `json:"datatype"`
	Parameters parameters      `json:"parameters,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

type requestOutput struct {
	Name       string     `json:"name"`
	Parameters parameters `json:"parameters"`
}

type inferResponse struct {
	Model   string        `json:"model_name"`
	Version string        `json:"model_version"`
	ID      string        `json:"id,omitempty"`
	Outputs []inferTensor `json:"outputs"`
}

func (s *Server) server(w http.ResponseWriter, _ *http.Request) error {
	version := s.cfg.Version
	if version == "" {
		version = "unknown"
	}
	return writeJSON(w, http.StatusOK, map[string]any{
		"name": "gorgonia-zoo", "version": version,
		"extensions": []string{"binary_tensor_data", "classification", "model_repository"},
	})
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]bool{"live": true})
}

func (s *Server) isReady(w http.ResponseWriter, _ *http.Request) error {
	s.mu.RLock()
	ready := len(s.ready) == len(s.sources) && !s.closed
	s.mu.RUnlock()
	code := http.StatusOK
	if !ready {
		code = http.StatusServiceUnavailable
	}
	return writeJSON(w, code, map[string]bool{"ready": ready})
}

// named finds the model of a path, of its only version.
func (s *Server) named(r *http.Request) (*worker, error) {
	if v := r.PathValue("version"); v != "" && v != onlyVersion {
		return nil, &status{http.StatusNotFound, fmt.Sprintf("model %s has no version %q: there is %s", r.PathValue("name"), v, onlyVersion)}
	}
	return s.worker(r.PathValue("name"))
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]any{"models": s.Names()})
}

func (s *Server) modelReady(w http.ResponseWriter, r *http.Request) error {
	m, err := s.named(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"name": m.name, "ready": true})
}

func (s *Server) metadata(w http.ResponseWriter, r *http.Request) error {
	m, err := s.named(r)
	if err != nil {
		return err
	}
	in := m.model.Input()
	type tensor struct {
		Name       string     `json:"name"`
		Datatype   string     `json:"datatype"`
		Shape      []int      `json:"shape"`
		Parameters parameters `json:"parameters,omitempty"`
	}
	return writeJSON(w, http.StatusOK, map[string]any{
		"name": m.name, "versions": []string{onlyVersion}, "platform": "gorgonia-zoo",
		"inputs": []tensor{{inputName, "FP32", []int{-1, in[0], in[1], in[2]},
			parameters{"encoded_images": "datatype BYTES, shape [-1]: JPEG, PNG and others, prepared by the server"}}},
		"outputs": []tensor{
			{Name: outputProbabilities, Datatype: "FP32", Shape: []int{-1, len(m.classes)}},
			{Name: outputLogits, Datatype: "FP32", Shape: []int{-1, len(m.classes)}},
		},
		"parameters": parameters{"classes": m.classes},
	})
}

func (s *Server) infer(w http.ResponseWriter, r *http.Request) error {
	m, err := s.named(r)
	if err != nil {
		return err
	}
	body, err := whole(r)
	if err != nil {
		return err
	}
	head, tail := body, []byte(nil)
	if text := r.Header.Get(headerLength); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > len(body) {
			return badRequest("%s: %q: should be a number up to the body's %d bytes", headerLength, text, len(body))
		}
		head, tail = body[:n], body[n:]
	}
	var q inferRequest
	if err := json.Unmarshal(head, &q); err != nil {
		return noProtocol(err)
	}
	outputs, err := q.wanted(len(m.classes))
	if err != nil {
		return err
	}
	if len(q.Inputs) != 1 {
		return badRequest("%d inputs: model %s has one, %s", len(q.Inputs), m.name, inputName)
	}
	in := q.Inputs[0]
	if in.Name != inputName && in.Name != "image" {
		return badRequest("input %q: model %s has one, %s", in.Name, m.name, inputName)
	}
	raw, err := in.binary(tail)
	if err != nil {
		return err
	}
	var logits [][]float32
	switch in.Datatype {
	case "FP32":
		x, err := in.floats(m, raw)
		if err != nil {
			return err
		}
		logits, err = m.tensors(r.Context(), x)
		if err != nil {
			return tooLarge(err, in.Name, x)
		}
	case "BYTES":
		files, err := in.files(raw, m.limits.Images)
		if err != nil {
			return err
		}
		logits, err = m.files(r.Context(), files)
		if err != nil {
			return err
		}
	default:
		return badRequest("input %s: datatype %q: should be FP32 for prepared images or BYTES for encoded ones", in.Name, in.Datatype)
	}
	return m.answer(w, q.ID, outputs, logits)
}

// tooLarge is the error of a network, or the sender's if it was shown numbers that no image becomes.
func tooLarge(err error, input string, x []float32) error {
	const most = 1e6 // 15 times what a sample of 16 bits may be
	if code, _ := codeOf(err); code != http.StatusInternalServerError {
		return err
	}
	for i, v := range x {
		if v < -most || v > most {
			return badRequest("input %s: number %d is %v, from which the model cannot compute: images are prepared as its metadata says", input, i, v)
		}
	}
	return err
}

// unread is the error for a body that could not be read whole.
func unread(err error) error {
	if code, _ := codeOf(err); code != http.StatusInternalServerError {
		return err
	}
	if errors.Is(err, multipart.ErrMessageTooLarge) {
		return &status{http.StatusRequestEntityTooLarge, "the header of a part of the form is too large"}
	}
	return badRequest("the request's body ends early: %v", err)
}

// An asked output: its name, in what form, and how many classes of it.
type asked struct {
	name    string
	binary  bool
	classes int // 0 for all numbers
}

// wanted reads what outputs a request asks for.
func (q *inferRequest) wanted(classes int) ([]asked, error) {
	binary, err := q.Parameters.flag("binary_data_output")
	if err != nil {
		return nil, err
	}
	if len(q.Outputs) == 0 {
		return []asked{{name: outputProbabilities, binary: binary}, {name: outputLogits, binary: binary}}, nil
	}
	var list []asked
	for _, o := range q.Outputs {
		if o.Name != outputProbabilities && o.Name != outputLogits {
			return nil, badRequest("output %q: there are %s and %s", o.Name, outputProbabilities, outputLogits)
		}
		a := asked{name: o.Name, binary: binary}
		if _, ok := o.Parameters["binary_data"]; ok {
			if a.binary, err = o.Parameters.flag("binary_data"); err != nil {
				return nil, err
			}
		}
		if v, ok := o.Parameters["classification"]; ok {
			n, isNumber := v.(float64)
			if !isNumber || n < 1 || n != math.Trunc(n) {
				return nil, badRequest("output %s: classification %v: should be a number from 1", o.Name, v)
			}
			a.classes = int(min(n, float64(classes)))
		}
		list = append(list, a)
	}
	return list, nil
}

func (p parameters) flag(name string) (bool, error) {
	v, ok := p[name]
	if !ok {
		return false, nil
	}
	b, ok := v.(bool)
	if !ok {
		return false, badRequest("parameter %s: %v: should be true or false", name, v)
	}
	return b, nil
}

// binary returns the part of the body that holds the tensor, or nil if it is in the JSON.
func (t *inferTensor) binary(tail []byte) ([]byte, error) {
	v, ok := t.Parameters["binary_data_size"]
	if !ok {
		if len(tail) > 0 {
			return nil, badRequest("input %s: %d bytes follow the JSON, and no binary_data_size tells whose they are", t.Name, len(tail))
		}
		if len(t.Data) == 0 {
			return nil, badRequest("input %s: there is neither data nor binary_data_size", t.Name)
		}
		return nil, nil
	}
	n, isNumber := v.(float64)
	if !isNumber || n != float64(len(tail)) {
		return nil, badRequest("input %s: binary_data_size %v: %d bytes follow the JSON", t.Name, v, len(tail))
	}
	if len(t.Data) > 0 {
		return nil, badRequest("input %s: both data and binary_data_size", t.Name)
	}
	return tail, nil
}

// floats reads prepared images, N×C×H×W.
func (t *inferTensor) floats(m *worker, raw []byte) ([]float32, error) {
	in := m.model.Input()
	if len(t.Shape) != 4 || t.Shape[0] < 1 || t.Shape[1] != in[0] || t.Shape[2] != in[1] || t.Shape[3] != in[2] {
		return nil, badRequest("input %s: shape %v: model %s wants [N %d %d %d]", t.Name, t.Shape, m.name, in[0], in[1], in[2])
	}
	if t.Shape[0] > m.limits.Images {
		return nil, &status{http.StatusRequestEntityTooLarge, fmt.Sprintf("%d images in a request: at most %d", t.Shape[0], m.limits.Images)}
	}
	want := t.Shape[0] * m.size
	var x []float32
	if raw != nil {
		if len(raw) != 4*want {
			return nil, badRequest("input %s: %d bytes: the shape %v needs %d", t.Name, len(raw), t.Shape, 4*want)
		}
		x = make([]float32, want)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	} else {
		var err error
		if x, err = numbers(t.Data, want); err != nil {
			return nil, badRequest("input %s: %v", t.Name, err)
		}
		if len(x) != want {
			return nil, badRequest("input %s: %d numbers: the shape %v needs %d", t.Name, len(x), t.Shape, want)
		}
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, badRequest("input %s: number %d is %v", t.Name, i, v)
		}
	}
	return x, nil
}

// numbers reads the numbers of a JSON array, or of arrays in arrays, row by row; at most one more than most.
func numbers(data []byte, most int) ([]float32, error) {
	if len(data) == 0 || data[0] != '[' {
		return nil, fmt.Errorf("data should be a list of numbers")
	}
	x := make([]float32, 0, min(most, len(data)/2+1))
	for i := 0; i < len(data) && len(x) <= most; {
		switch c := data[i]; {
		case c == '[' || c == ']' || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i++
		case c == '-' || c >= '0' && c <= '9':
			from := i
			for i < len(data) && strings.IndexByte("+-.eE0123456789", data[i]) >= 0 {
				i++
			}
			v, err := strconv.ParseFloat(string(data[from:i]), 32)
			if err != nil {
				return nil, fmt.Errorf("data: %q does not fit into 32 bits", data[from:i])
			}
			x = append(x, float32(v))
		default:
			return nil, fmt.Errorf("data should be a list of numbers: there is %.10q", data[i:])
		}
	}
	return x, nil
}

// files reads encoded images, N or N×1.
func (t *inferTensor) files(raw []byte, most int) ([][]byte, error) {
	if len(t.Shape) < 1 || len(t.Shape) > 2 || t.Shape[0] < 1 || len(t.Shape) == 2 && t.Shape[1] != 1 {
		return nil, badRequest("input %s: shape %v: encoded images have the shape [N]", t.Name, t.Shape)
	}
	n := t.Shape[0]
	if n > most {
		return nil, &status{http.StatusRequestEntityTooLarge, fmt.Sprintf("%d images in a request: at most %d", n, most)}
	}
	var list [][]byte
	if raw != nil {
		for len(raw) > 0 {
			if len(raw) < 4 || uint64(binary.LittleEndian.Uint32(raw)) > uint64(len(raw)-4) {
				return nil, badRequest("input %s: image %d is longer than the bytes that are left", t.Name, len(list))
			}
			size := int(binary.LittleEndian.Uint32(raw))
			list = append(list, raw[4:4+size])
			raw = raw[4+size:]
		}
	} else {
		var nested [][]string
		var texts []string
		if err := json.Unmarshal(t.Data, &texts); err != nil {
			if json.Unmarshal(t.Data, &nested) != nil {
				return nil, badRequest("input %s: data should be a list of images in base64", t.Name)
			}
			texts = nil // what the first reading has left
			for _, row := range nested {
				texts = append(texts, row...)
			}
		}
		for i, text := range texts {
			file, err := unbase64(text)
			if err != nil {
				return nil, badRequest("input %s: image %d: %v", t.Name, i, err)
			}
			list = append(list, file)
		}
	}
	if len(list) != n {
		return nil, badRequest("input %s: %d images: the shape %v needs %d", t.Name, len(list), t.Shape, n)
	}
	return list, nil
}

// unbase64 reads base64 in its standard form, or as it stands in a page's data URL.
func unbase64(text string) ([]byte, error) {
	if strings.HasPrefix(text, "data:") {
		_, text, _ = strings.Cut(text, ",")
	}
	file, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("it is not base64: %w", err)
	}
	return file, nil
}

// answer writes the outputs.
func (w *worker) answer(to http.ResponseWriter, id string, outputs []asked, logits [][]float32) error {
	response := inferResponse{Model: w.name, Version: onlyVersion, ID: id}
	var tail []byte
	for _, o := range outputs {
		t := inferTensor{Name: o.name, Datatype: "FP32", Shape: []int{len(logits), len(w.classes)}}
		var values []float32
		var labels []string
		for _, row := range logits {
			if o.name == outputProbabilities {
				row = probabilities(row)
			}
			if o.classes == 0 {
				values = append(values, row...)
				continue
			}
			for _, i := range best(row, o.classes) {
				label := strconv.FormatFloat(float64(row[i]), 'g', -1, 32) + ":" + strconv.Itoa(i)
				if name := w.classes[i]; name != "" {
					label += ":" + name
				}
				labels = append(labels, label)
			}
		}
		var part []byte
		switch {
		case o.classes > 0:
			t.Datatype, t.Shape = "BYTES", []int{len(logits), o.classes}
			if o.binary {
				for _, label := range labels {
					part = binary.LittleEndian.AppendUint32(part, uint32(len(label)))
					part = append(part, label...)
				}
			} else {
				t.Data, _ = json.Marshal(labels)
			}
		case o.binary:
			for _, v := range values {
				part = binary.LittleEndian.AppendUint32(part, math.Float32bits(v))
			}
		default:
			var err error
			if t.Data, err = json.Marshal(values); err != nil {
				return err
			}
		}
		if o.binary {
			t.Parameters = parameters{"binary_data_size": len(part)}
			tail = append(tail, part...)
		}
		response.Outputs = append(response.Outputs, t)
	}
	if tail == nil {
		return writeJSON(to, http.StatusOK, response)
	}
	head, err := json.Marshal(response)
	if err != nil {
		return err
	}
	to.Header().Set("Content-Type", "application/octet-stream")
	to.Header().Set(headerLength, strconv.Itoa(len(head)))
	to.WriteHeader(http.StatusOK)
	to.Write(head) // nobody to tell if it fails
	to.Write(tail)
	return nil
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) error {
	type entry struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		State   string `json:"state"`
		Reason  string `json:"reason"`
	}
	list := []entry{}
	for _, name := range s.Names() {
		e := entry{name, onlyVersion, "READY", ""}
		if err := s.Err(name); err != nil {
			e.State, e.Reason = "UNAVAILABLE", err.Error()
		}
		list = append(list, e)
	}
	return writeJSON(w, http.StatusOK, list)
}

func (s *Server) loadModel(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.load(name); err != nil {
		if code, _ := codeOf(err); code == http.StatusNotFound {
			return err
		}
		return &status{http.StatusServiceUnavailable, fmt.Sprintf("model %s: %v", name, err)}
	}
	return writeJSON(w, http.StatusOK, struct{}{})
}

func (s *Server) unloadModel(w http.ResponseWriter, r *http.Request) error {
	if err := s.unload(r.PathValue("name")); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct{}{})
}
