package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fake is a model whose logits can be computed by hand: an image is the text "img A B", whose two prepared
// numbers are A and B; the logits are A, B and A-B.
type fake struct {
	hold    chan struct{} // Run waits for it, if it is not nil
	steps   atomic.Int64
	largest atomic.Int64
	closed  atomic.Bool
}

func (f *fake) Input() [3]int     { return [3]int{2, 1, 1} }
func (f *fake) Classes() []string { return []string{"cat", "dog", "<b>fox"} }
func (f *fake) Close() error      { f.closed.Store(true); return nil }

func (f *fake) Prepare(dst []float32, file []byte, maxPixels int) error {
	if string(file) == "panic" {
		panic("a decoder's fault")
	}
	if n, err := fmt.Sscanf(string(file), "img %g %g", &dst[0], &dst[1]); n != 2 || err != nil {
		return fmt.Errorf("%w: it begins with %.8q", ErrImage, file)
	}
	return nil
}

func (f *fake) Run(x []float32, n int, logits []float32) error {
	if f.hold != nil {
		<-f.hold
	}
	f.steps.Add(1)
	f.largest.Store(max(f.largest.Load(), int64(n)))
	for i := range n {
		a, b := x[2*i], x[2*i+1]
		if a == 666 || a > 1e30 {
			return errors.New("the network has failed")
		}
		copy(logits[3*i:], []float32{a, b, a - b})
	}
	return nil
}

// serve starts a server with one model on a socket.
func serve(t *testing.T, c Config, f *fake) string {
	t.Helper()
	s := c.New(Named("pets", f))
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h.URL
}

type reply struct {
	code   int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{a.StatusCode, a.Header, string(text)}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// The requests are written from the specification: KServe's open-inference-protocol, and Triton's
// extensions for binary data and classification.
func TestTheProtocol(t *testing.T) {
	url := serve(t, Config{Version: "1.2.3"}, &fake{})
	e := math.E
	// Softmax of 1, 2, -1 by hand.
	sum := e + e*e + 1/e
	probs := fmt.Sprintf("[%v,%v,%v]", float32(e/sum), float32(e*e/sum), float32(1/e/sum))
	raw := func(v ...float32) string {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return string(b)
	}
	framed := func(files ...string) string {
		var b []byte
		for _, f := range files {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
			b = append(b, f...)
		}
		return string(b)
	}
	tensor := func(shape, rest string) string {
		return `{"id":"7","inputs":[{"name":"input","shape":` + shape + `,"datatype":"FP32",` + rest + `}],"outputs":[{"name":"logits"}]}`
	}
	images := func(shape, rest, outputs string) string {
		return `{"inputs":[{"name":"input","shape":` + shape + `,"datatype":"BYTES",` + rest + `}]` + outputs + `}`
	}
	const infer = "POST /v2/models/pets/infer"
	const logits = `,"outputs":[{"name":"logits"}]`
	for _, c := range []struct {
		name, call, head, tail string
		code                   int
		want                   string // in the answer
	}{
		{"server metadata", "GET /v2", "", "", 200, `"name":"gorgonia-zoo","version":"1.2.3"`},
		{"live", "GET /v2/health/live", "", "", 200, `{"live":true}`},
		{"ready", "GET /v2/health/ready", "", "", 200, `{"ready":true}`},
		{"the models", "GET /v2/models", "", "", 200, `{"models":["pets"]}`},
		{"model metadata", "GET /v2/models/pets", "", "", 200, `"shape":[-1,2,1,1]`},
		{"its outputs", "GET /v2/models/pets", "", "", 200, `"outputs":[{"name":"probabilities","datatype":"FP32","shape":[-1,3]},{"name":"logits","datatype":"FP32","shape":[-1,3]}]`},
		{"a version's metadata", "GET /v2/models/pets/versions/1", "", "", 200, `"versions":["1"]`},
		{"a version that is not", "GET /v2/models/pets/versions/2", "", "", 404, `has no version \"2\"`},
		{"model ready", "GET /v2/models/pets/ready", "", "", 200, `{"name":"pets","ready":true}`},
		{"an unknown model", "GET /v2/models/pests", "", "", 404, `no model is called \"pests\": there is pets`},
		{"an unknown model's inference", "POST /v2/models/pests/infer", "{}", "", 404, "no model is called"},
		{"another method", "PUT /v2/models/pets", "", "", 405, `PUT is no method of \"/v2/models/pets\": it has GET, HEAD`},
		{"another path", "GET /v3", "", "", 404, `there is no path \"/v3\"`},
		{"a path with another end", "GET /v2/", "", "", 404, `there is no path \"/v2/\"`},

		{"a tensor in JSON", infer, tensor("[1,2,1,1]", `"data":[1,2]`), "", 200,
			`{"model_name":"pets","model_version":"1","id":"7","outputs":[{"name":"logits","shape":[1,3],"datatype":"FP32","data":[1,2,-1]}]}`},
		{"two images in nested lists", infer, tensor("[2,2,1,1]", `"data":[[[[1]],[[2]]],[[[3]],[[-4.5e0]]]]`), "", 200, `"data":[1,2,-1,3,-4.5,7.5]`},
		{"by its version", "POST /v2/models/pets/versions/1/infer", tensor("[1,2,1,1]", `"data":[1,2]`), "", 200, `"data":[1,2,-1]`},
		{"all outputs unless some are named", infer, `{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[1,2]}]}`, "", 200, probs + `},{"name":"logits"`},
		{"a tensor in binary", infer, tensor("[1,2,1,1]", `"parameters":{"binary_data_size":8}`), raw(1, 2), 200, `"data":[1,2,-1]`},
		{"images in base64", infer, images("[2]", `"data":["`+b64("img 1 2")+`","data:image/png;base64,`+b64("img 3 1")+`"]`, logits), "", 200, `"data":[1,2,-1,3,1,2]`},
		{"images in a column", infer, images("[2,1]", `"data":[["`+b64("img 1 2")+`"],["`+b64("img 3 1")+`"]]`, logits), "", 200, `"data":[1,2,-1,3,1,2]`},
		{"images in binary", infer, images("[2]", `"parameters":{"binary_data_size":22}`, logits), framed("img 1 2", "img 3 1"), 200, `"data":[1,2,-1,3,1,2]`},
		{"classification", infer, images("[1]", `"data":["`+b64("img 1 2")+`"]`, `,"outputs":[{"name":"logits","parameters":{"classification":2}}]`), "", 200,
			`"shape":[1,2],"datatype":"BYTES","data":["2:1:dog","1:0:cat"]`},
		{"more classes than there are", infer, images("[1]", `"data":["`+b64("img 1 2")+`"]`, `,"outputs":[{"name":"logits","parameters":{"classification":9}}]`), "", 200,
			`"data":["2:1:dog","1:0:cat","-1:2:\u003cb\u003efox"]`},

		{"no JSON", infer, `{"inputs":`, "", 400, "no JSON of the protocol"},
		{"a list", infer, `[]`, "", 400, "no JSON of the protocol: the whole cannot be an array"},
		{"a text for a shape", infer, `{"inputs":[{"name":"input","shape":"1,2"}]}`, "", 400, `no JSON of the protocol: \"inputs.shape\" cannot be a string`},
		{"no list of instances", "POST /v1/models/pets:predict", `{"instances":{}}`, "", 400, `\"instances\" cannot be an object`},
		{"no inputs", infer, `{}`, "", 400, "0 inputs: model pets has one, input"},
		{"two inputs", infer, `{"inputs":[{},{}]}`, "", 400, "2 inputs"},
		{"another input", infer, strings.Replace(tensor("[1,2,1,1]", `"data":[1,2]`), `"input"`, `"inptu"`, 1), "", 400, `input \"inptu\"`},
		{"another output", infer, strings.Replace(tensor("[1,2,1,1]", `"data":[1,2]`), `"logits"`, `"scores"`, 1), "", 400, "there are probabilities and logits"},
		{"another datatype", infer, strings.Replace(tensor("[1,2,1,1]", `"data":[1,2]`), "FP32", "FP16", 1), "", 400, `datatype \"FP16\"`},
		{"another shape", infer, tensor("[1,2,2,1]", `"data":[1,2,3,4]`), "", 400, "shape [1 2 2 1]: model pets wants [N 2 1 1]"},
		{"no images", infer, tensor("[0,2,1,1]", `"data":[]`), "", 400, "shape [0 2 1 1]"},
		{"a negative shape", infer, tensor("[-1,2,1,1]", `"data":[1,2]`), "", 400, "shape [-1"},
		{"an enormous shape", infer, tensor("[4000000000000000000,2,1,1]", `"data":[1,2]`), "", 413, "images in a request: at most 64"},
		{"too few numbers", infer, tensor("[1,2,1,1]", `"data":[1]`), "", 400, "1 numbers: the shape [1 2 1 1] needs 2"},
		{"too many numbers", infer, tensor("[1,2,1,1]", `"data":[1,2,3]`), "", 400, "3 numbers"},
		{"texts for numbers", infer, tensor("[1,2,1,1]", `"data":["1","2"]`), "", 400, "should be a list of numbers"},
		{"a number for a list", infer, tensor("[1,2,1,1]", `"data":12`), "", 400, "should be a list of numbers"},
		{"null", infer, tensor("[1,2,1,1]", `"data":[1,null]`), "", 400, "should be a list of numbers"},
		{"too large a number", infer, tensor("[1,2,1,1]", `"data":[1,1e300]`), "", 400, "does not fit into 32 bits"},
		{"no data", infer, tensor("[1,2,1,1]", `"parameters":{}`), "", 400, "neither data nor binary_data_size"},
		{"data twice", infer, tensor("[1,2,1,1]", `"data":[1,2],"parameters":{"binary_data_size":8}`), raw(1, 2), 400, "both data and"},
		{"no number", infer, tensor("[1,2,1,1]", `"parameters":{"binary_data_size":8}`), raw(1, float32(math.NaN())), 400, "number 1 is NaN"},
		{"bytes that nobody claims", infer, tensor("[1,2,1,1]", `"data":[1,2]`), "xx", 400, "2 bytes follow the JSON"},
		{"fewer bytes than the shape", infer, tensor("[1,2,1,1]", `"parameters":{"binary_data_size":4}`), raw(1), 400, "4 bytes: the shape [1 2 1 1] needs 8"},
		{"fewer bytes than said", infer, tensor("[1,2,1,1]", `"parameters":{"binary_data_size":8}`), raw(1), 400, "binary_data_size 8: 4 bytes follow"},
		{"a length that is none", infer, tensor("[1,2,1,1]", `"parameters":{"binary_data_size":"8"}`), raw(1, 2), 400, "binary_data_size 8"},
		{"no base64", infer, images("[1]", `"data":["###"]`, ""), "", 400, "image 0: it is not base64"},
		{"no image", infer, images("[2]", `"data":["`+b64("img 1 2")+`","`+b64("text")+`"]`, ""), "", 400, `image 1: no image that can be read: it begins with \"text\"`},
		{"fewer images than the shape", infer, images("[2]", `"data":["`+b64("img 1 2")+`"]`, ""), "", 400, "1 images: the shape [2] needs 2"},
		{"a torn image", infer, images("[1]", `"parameters":{"binary_data_size":6}`, ""), "\x07\x00\x00\x00im", 400, "image 0 is longer than the bytes that are left"},
		{"too many images", infer, images("[65]", `"data":[]`, ""), "", 413, "65 images in a request: at most 64"},
		{"images in a square", infer, images("[2,2]", `"data":[]`, ""), "", 400, "have the shape [N]"},
		{"no classes", infer, images("[1]", `"data":["`+b64("img 1 2")+`"]`, `,"outputs":[{"name":"logits","parameters":{"classification":0}}]`), "", 400, "classification 0"},
		{"half a class", infer, images("[1]", `"data":["`+b64("img 1 2")+`"]`, `,"outputs":[{"name":"logits","parameters":{"classification":1.5}}]`), "", 400, "classification 1.5"},
		{"a flag that is none", infer, `{"parameters":{"binary_data_output":1}}`, "", 400, "should be true or false"},
		{"a network that fails", infer, tensor("[1,2,1,1]", `"data":[666,2]`), "", 500, "the network has failed"},
		{"a decoder that panics", infer, images("[1]", `"data":["`+b64("panic")+`"]`, ""), "", 500, "a decoder's fault"},

		{"protocol 1", "POST /v1/models/pets:predict", `{"instances":[{"image_bytes":{"b64":"` + b64("img 1 2") + `"}},{"b64":"` + b64("img 9 1") + `"}]}`, "", 200, `{"predictions":[{"top":[{"class":"dog","index":1,"probability":`},
		{"protocol 1's state", "GET /v1/models/pets", "", "", 200, `{"name":"pets","ready":true}`},
		{"protocol 1, another verb", "POST /v1/models/pets:classify", `{}`, "", 404, "NAME:predict"},
		{"protocol 1 without instances", "POST /v1/models/pets:predict", `{}`, "", 400, "there are no instances"},
		{"protocol 1, numbers", "POST /v1/models/pets:predict", `{"instances":[[1,2]]}`, "", 400, "instance 0: should be"},
		{"protocol 1, two keys", "POST /v1/models/pets:predict", `{"instances":[{"a":{"b64":""},"b":1}]}`, "", 400, "instance 0: should be"},
		{"protocol 1, another key", "POST /v1/models/pets:predict", `{"instances":[{"a":{"c64":""}}]}`, "", 400, `\"a\" should be`},

		{"the body is an image", "POST /predict?top=1", "img 1 2", "", 200, `{"images":[{"top":[{"class":"dog","index":1,"probability":` + strconv.FormatFloat(float64(float32(e*e/sum)), 'g', -1, 32) + `}]}],"model":"pets"}`},
		{"by the model's name", "POST /predict/pets?top=1", "img 1 2", "", 200, `"class":"dog"`},
		{"no body", "POST /predict", "", "", 400, "no image: send one"},
		{"no number of classes", "POST /predict?top=x", "img 1 2", "", 400, `top \"x\"`},
		{"no classes", "POST /predict?top=0", "img 1 2", "", 400, `top \"0\"`},
		{"a text for an image", "POST /predict", "hello", "", 400, `no image that can be read: it begins with \"hello\"`},
		{"a file of the machine", "POST /predict", "/etc/passwd", "", 400, "no image"},

		{"the repository", "POST /v2/repository/index", "{}", "", 200, `[{"name":"pets","version":"1","state":"READY","reason":""}]`},
		{"loading an unknown model", "POST /v2/repository/models/..%2f..%2fetc%2fpasswd/load", "{}", "", 404, "no model is called"},
		{"unloading an unknown model", "POST /v2/repository/models/none/unload", "{}", "", 404, "no model is called"},
		{"the description", "GET /openapi.json", "", "", 200, `"openapi": "3.1.0"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.call, " ")
			var header []string
			if c.tail != "" {
				header = []string{"Inference-Header-Content-Length", strconv.Itoa(len(c.head))}
			}
			got := send(t, method, url+path, c.head+c.tail, header...)
			if got.code != c.code || !strings.Contains(got.body, c.want) {
				t.Errorf("%d %s\nshould be %d with %s", got.code, got.body, c.code, c.want)
			}
			if got.code >= 400 {
				var e struct{ Error string }
				if err := json.Unmarshal([]byte(got.body), &e); err != nil || e.Error == "" || strings.Contains(e.Error, "\n") {
					t.Errorf("the error is %s", got.body)
				}
			}
		})
	}
}

func TestACompressedBodyIsRefused(t *testing.T) {
	url := serve(t, Config{}, &fake{})
	for encoding, want := range map[string]int{"gzip": 415, "br, gzip": 415, "identity": 200, "": 200} {
		if got := send(t, "POST", url+"/predict", "img 1 2", "Content-Encoding", encoding); got.code != want || want == 415 && !strings.Contains(got.body, "Content-Encoding: ") {
			t.Errorf("%q: %d %s", encoding, got.code, got.body)
		}
	}
}

func TestBinaryOutputs(t *testing.T) {
	url := serve(t, Config{}, &fake{})
	got := send(t, "POST", url+"/v2/models/pets/infer", `{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[5,2]}],
		"parameters":{"binary_data_output":true},"outputs":[{"name":"logits"},{"name":"logits","parameters":{"classification":1}},{"name":"logits","parameters":{"binary_data":false}}]}`)
	n, err := strconv.Atoi(got.header.Get("Inference-Header-Content-Length"))
	if err != nil || got.code != 200 || got.header.Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("%d, %v: %s", got.code, got.header, got.body)
	}
	const want = `{"model_name":"pets","model_version":"1","outputs":[{"name":"logits","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}},` +
		`{"name":"logits","shape":[1,1],"datatype":"BYTES","parameters":{"binary_data_size":11}},{"name":"logits","shape":[1,3],"datatype":"FP32","data":[5,2,3]}]}`
	if got.body[:n] != want {
		t.Errorf("%s\nshould be %s", got.body[:n], want)
	}
	tail := got.body[n:]
	if want := "\x00\x00\xa0\x40\x00\x00\x00\x40\x00\x00\x40\x40" + "\x07\x00\x00\x00" + "5:0:cat"; tail != want {
		t.Errorf("%q\nshould be %q", tail, want)
	}
}

func TestFormsOfImages(t *testing.T) {
	url := serve(t, Config{}, &fake{})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"a <cat>.jpg", "img 3 1"}, {"dog.jpg", "img 1 2"}} {
		w, _ := form.CreateFormFile("image", f[0])
		io.WriteString(w, f[1])
	}
	form.WriteField("note", "no image")
	form.Close()
	got := send(t, "POST", url+"/predict?top=1", body.String(), "Content-Type", form.FormDataContentType())
	var a struct{ Images []Answer }
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.code != 200 || len(a.Images) != 2 {
		t.Fatalf("%d %s", got.code, got.body)
	}
	if a.Images[0].File != "a <cat>.jpg" || a.Images[0].Top[0].Class != "cat" || a.Images[1].File != "dog.jpg" || a.Images[1].Top[0].Class != "dog" {
		t.Errorf("%+v", a)
	}
	if got := send(t, "POST", url+"/predict", body.String()[:100], "Content-Type", form.FormDataContentType()); got.code != 400 {
		t.Errorf("a torn form: %d %s", got.code, got.body)
	}
}

func TestLimits(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	url := serve(t, Config{Limits: Limits{Body: 1000, Queue: 2, Images: 2, Timeout: time.Minute}}, f)
	if got := send(t, "POST", url+"/predict", strings.Repeat("x", 1001)); got.code != 413 || !strings.Contains(got.body, "more than 1000 bytes") {
		t.Errorf("a large body: %d %s", got.code, got.body)
	}
	var all sync.WaitGroup
	codes := make([]int, 2)
	for i := range codes {
		all.Go(func() { codes[i] = send(t, "POST", url+"/predict", "img 1 2").code })
	}
	// The third finds two inside.
	deadline := time.Now().Add(20 * time.Second)
	for {
		if strings.Contains(send(t, "GET", url+"/metrics", "").body, `zoo_waiting_images{model="pets"} 2`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("two requests never were inside")
		}
		time.Sleep(time.Millisecond)
	}
	if got := send(t, "POST", url+"/predict", "img 1 2"); got.code != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("beyond the queue: %d %s", got.code, got.body)
	}
	close(f.hold)
	all.Wait()
	if !slices.Equal(codes, []int{200, 200}) {
		t.Errorf("those inside: %v", codes)
	}
	if got := send(t, "POST", url+"/predict", "img 1 2"); got.code != 200 {
		t.Errorf("afterwards: %d %s", got.code, got.body)
	}
}

func TestToken(t *testing.T) {
	url := serve(t, Config{Token: "s3cret"}, &fake{})
	for path, code := range map[string]int{"/v2": 401, "/metrics": 401, "/v2/health/live": 200, "/v2/health/ready": 200} {
		if got := send(t, "GET", url+path, ""); got.code != code {
			t.Errorf("%s without a token: %d", path, got.code)
		}
	}
	if got := send(t, "GET", url+"/v2", "", "Authorization", "Bearer s3cret"); got.code != 200 {
		t.Errorf("with the token: %d", got.code)
	}
	if got := send(t, "GET", url+"/v2", "", "Authorization", "Bearer wrong"); got.code != 401 {
		t.Errorf("with another token: %d", got.code)
	}
}

func TestRequestsShareSteps(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	url := serve(t, Config{Limits: Limits{Batch: 16}}, f)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			want := fmt.Sprintf(`"data":[%d,1,%d]`, i, i-1)
			body := fmt.Sprintf(`{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[%d,1]}],"outputs":[{"name":"logits"}]}`, i)
			if got := send(t, "POST", url+"/v2/models/pets/infer", body); !strings.Contains(got.body, want) {
				t.Errorf("request %d: %d %s", i, got.code, got.body)
			}
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(send(t, "GET", url+"/metrics", "").body, `zoo_waiting_images{model="pets"} 40`) {
		if time.Now().After(deadline) {
			t.Fatal("the requests never were inside together")
		}
		time.Sleep(time.Millisecond)
	}
	close(f.hold)
	all.Wait()
	if f.largest.Load() < 8 || f.largest.Load() > 16 || f.steps.Load() > 20 {
		t.Errorf("40 images in %d steps, the largest of %d", f.steps.Load(), f.largest.Load())
	}
}

func TestAClientThatGoesAwayCostsNoStep(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	s := Config{Limits: Limits{Batch: 1}}.New(Named("pets", f))
	h := httptest.NewServer(s)
	defer h.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var gone sync.WaitGroup
	for range 30 {
		gone.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "POST", h.URL+"/predict", strings.NewReader("img 1 2"))
			if a, err := http.DefaultClient.Do(r); err == nil {
				a.Body.Close()
			}
		})
	}
	w, _ := s.worker("pets")
	deadline := time.Now().Add(20 * time.Second)
	for w.inside.Load() < 30 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	gone.Wait()
	time.Sleep(50 * time.Millisecond) // the server learns of closed connections by and by
	close(f.hold)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := f.steps.Load(); n > 15 {
		t.Errorf("%d steps for 30 clients that had gone", n)
	}
}

func TestAGracefulEndLosesNothing(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	s := Config{}.New(Named("pets", f))
	h := httptest.NewServer(s)
	defer h.Close()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got := send(t, "POST", h.URL+"/predict", "img 1 2"); got.code != 200 || !strings.Contains(got.body, "dog") {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
	w, _ := s.worker("pets")
	for deadline := time.Now().Add(20 * time.Second); w.inside.Load() < 20 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error)
	go func() { ended <- s.Close(context.Background()) }()
	// Those that come now are refused, and those that were accepted are answered.
	for send(t, "GET", h.URL+"/v2/health/ready", "").code != 503 {
		time.Sleep(time.Millisecond)
	}
	if got := send(t, "POST", h.URL+"/predict", "img 1 2"); got.code != 503 {
		t.Errorf("after the end: %d %s", got.code, got.body)
	}
	close(f.hold)
	all.Wait()
	if err := <-ended; err != nil || !f.closed.Load() {
		t.Errorf("closing: %v, the model is closed: %v", err, f.closed.Load())
	}
}

func TestModelsAreLoadedAnew(t *testing.T) {
	var version atomic.Int64
	var made []*fake
	var fail atomic.Bool
	source := Source{Name: "pets", Version: func() string { return fmt.Sprint(version.Load()) }, Open: func() (Model, error) {
		if fail.Load() {
			return nil, errors.New("the file is damaged")
		}
		made = append(made, &fake{})
		return made[len(made)-1], nil
	}}
	s := Config{}.New(source)
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { s.Watch(ctx, time.Millisecond) })
	until := func(what string, f func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	version.Store(1)
	until("a changed file is loaded", func() bool {
		w, err := s.worker("pets")
		return err == nil && w.version == "1"
	})
	fail.Store(true)
	version.Store(2)
	time.Sleep(20 * time.Millisecond)
	if got := send(t, "POST", h.URL+"/predict", "img 1 2"); got.code != 200 {
		t.Errorf("after a damaged file: %d %s", got.code, got.body)
	}
	cancel()
	watch.Wait()
	until("the first model is closed", func() bool { return made[0].closed.Load() })

	if got := send(t, "POST", h.URL+"/v2/repository/models/pets/unload", ""); got.code != 200 {
		t.Errorf("unloading: %d %s", got.code, got.body)
	}
	if got := send(t, "POST", h.URL+"/predict", "img 1 2"); got.code != 503 || !strings.Contains(got.body, "it was unloaded") {
		t.Errorf("unloaded: %d %s", got.code, got.body)
	}
	if got := send(t, "POST", h.URL+"/v2/repository/models/pets/load", ""); got.code != 503 || !strings.Contains(got.body, "the file is damaged") {
		t.Errorf("loading a damaged file: %d %s", got.code, got.body)
	}
	fail.Store(false)
	if got := send(t, "POST", h.URL+"/v2/repository/models/pets/load", ""); got.code != 200 {
		t.Errorf("loading: %d %s", got.code, got.body)
	}
	if got := send(t, "POST", h.URL+"/predict", "img 1 2"); got.code != 200 {
		t.Errorf("loaded: %d %s", got.code, got.body)
	}
}

func TestAModelThatCannotBeOpenedIsNamed(t *testing.T) {
	s := Config{}.New(Source{Name: "lost", Open: func() (Model, error) { return nil, errors.New("no such file") }}, Named("pets", &fake{}))
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close(context.Background())
	for path, want := range map[string]reply{
		"GET /v2/health/ready":   {503, nil, `"ready":false`},
		"GET /v2/models/lost":    {503, nil, "model lost is not ready: no such file"},
		"POST /predict":          {400, nil, "which model? there is lost, pets"},
		"POST /predict/pets":     {400, nil, "no image"},
		"GET /v2/models/pets":    {200, nil, "pets"},
		"POST /predict/nowhere/": {404, nil, ""},
	} {
		method, path, _ := strings.Cut(path, " ")
		if got := send(t, method, h.URL+path, ""); got.code != want.code || !strings.Contains(got.body, want.body) {
			t.Errorf("%s %s: %d %s", method, path, got.code, got.body)
		}
	}
}

func TestTheDescriptionHasEveryPath(t *testing.T) {
	var d struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	s := Config{}.New(Named("pets", &fake{}))
	defer s.Close(context.Background())
	n := 0
	for path, methods := range d.Paths {
		for method := range methods {
			n++
			r := httptest.NewRequest(strings.ToUpper(method), strings.NewReplacer("{name}", "pets", "{version}", "1").Replace(path), nil)
			if _, pattern := s.mux.Handler(r); pattern != strings.ToUpper(method)+" "+path {
				t.Errorf("%s %s is served by %q", method, path, pattern)
			}
		}
	}
	if n != routesOf(s) {
		t.Errorf("%d paths are described, %d are served", n, routesOf(s))
	}
}

// routesOf counts the patterns that are served, by asking for each.
func routesOf(s *Server) int {
	n := 0
	for _, call := range []string{
		"GET /v2", "GET /v2/health/live", "GET /v2/health/ready", "GET /v2/models", "GET /v2/models/x", "GET /v2/models/x/versions/1",
		"GET /v2/models/x/ready", "GET /v2/models/x/versions/1/ready", "POST /v2/models/x/infer", "POST /v2/models/x/versions/1/infer",
		"POST /v2/repository/index", "POST /v2/repository/models/x/load", "POST /v2/repository/models/x/unload",
		"GET /v1/models/x", "POST /v1/models/x", "POST /predict", "POST /predict/x", "GET /openapi.json", "GET /metrics",
	} {
		method, path, _ := strings.Cut(call, " ")
		if _, pattern := s.mux.Handler(httptest.NewRequest(method, path, nil)); pattern != "" {
			n++
		}
	}
	return n
}

func FuzzInfer(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[1,2]}]}`), -1)
	f.Add([]byte(`{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","parameters":{"binary_data_size":8}}]}12345678`), 106)
	f.Add([]byte(`{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","data":["aW1nIDEgMg=="]}],"outputs":[{"name":"logits","parameters":{"classification":2}}]}`), -1)
	f.Add([]byte(`{"instances":[{"b64":"aW1nIDEgMg=="}]}`), -1)
	s := Config{}.New(Named("pets", &fake{}))
	f.Cleanup(func() { s.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, body []byte, header int) {
		for _, path := range []string{"/v2/models/pets/infer", "/v1/models/pets:predict", "/predict"} {
			r := httptest.NewRequest("POST", path, bytes.NewReader(body))
			if header >= 0 {
				r.Header.Set(headerLength, strconv.Itoa(header))
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != 200 && (w.Code < 400 || w.Code >= 500) && !strings.Contains(w.Body.String(), "network has failed") && !strings.Contains(w.Body.String(), "decoder's fault") {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			if w.Code == 200 && w.Header().Get(headerLength) == "" && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%s: %s", path, w.Body)
			}
		}
	})
}

// Of equal probabilities the first class is first, however many are asked for.
func TestTheBestClassesOfEqualOnesAreTheFirst(t *testing.T) {
	v := []float32{.1, .25, .25, .05, .25, .1}
	for n, want := range map[int][]int{1: {1}, 2: {1, 2}, 3: {1, 2, 4}, 4: {1, 2, 4, 0}, 6: {1, 2, 4, 0, 5, 3}, 9: {1, 2, 4, 0, 5, 3}} {
		if got := best(v, n); !slices.Equal(got, want) {
			t.Errorf("the best %d are %v, want %v", n, got, want)
		}
	}
	for i, want := range []float64{.2 / 3, .6 / 3, .2 / 3, 2. / 3} { // of the exponentials 1, 3, 1, 10 over 15
		if got := float64(probabilities([]float32{1000, 1000 + float32(math.Log(3)), 1000, 1000 + float32(math.Log(10))})[i]); math.Abs(got-want) > 1e-4 {
			t.Errorf("probability %d is %v, want %v", i, got, want)
		}
	}
}

// What /metrics counts is what was asked and done: requests by path and status, images, steps and the images in them.
func TestMetricsCountWhatWasDone(t *testing.T) {
	f := &fake{}
	url := serve(t, Config{}, f)
	instance := func(text string) string { return `{"image_bytes":{"b64":"` + b64(text) + `"}}` }
	for _, c := range []struct {
		path, body string
		code       int
	}{
		{"/predict", "img 1 2", 200},
		{"/v1/models/pets:predict", `{"instances":[` + instance("img 1 2") + "," + instance("img 3 4") + "," + instance("img 5 6") + "]}", 200},
		{"/predict", "img 2 1", 200},
		{"/predict", "no image", 400},
	} {
		if got := send(t, "POST", url+c.path, c.body); got.code != c.code {
			t.Fatalf("%s: %d %s", c.path, got.code, got.body)
		}
	}
	var text string
	last := `zoo_request_seconds_count{path="/predict"} 3` // is counted when the answer has gone
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(text, last) && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		text = send(t, "GET", url+"/metrics", "").body
	}
	steps := f.steps.Load()
	if steps < 3 || steps > 5 {
		t.Fatalf("%d steps for three requests of one, three and one images", steps)
	}
	for _, want := range []string{
		`zoo_requests_total{path="/predict",status="200"} 2`,
		`zoo_requests_total{path="/predict",status="400"} 1`,
		`zoo_requests_total{path="/v1/models/{name}",status="200"} 1`,
		last,
		`zoo_images_total{model="pets"} 5`,
		`zoo_batch_images_sum{model="pets"} 5`,
		fmt.Sprintf(`zoo_batch_images_count{model="pets"} %d`, steps),
		fmt.Sprintf(`zoo_step_seconds_count{model="pets"} %d`, steps),
		`zoo_decode_seconds_count{model="pets"} 6`,
		`zoo_waiting_images{model="pets"} 0`,
		`zoo_model_ready{model="pets"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, regexp.MustCompile(`(?m)^(#|go_|process_|.*_bucket).*\n`).ReplaceAllString(text, ""))
		}
	}
}

// Of two steps, of three images and of two, the images are counted, and how many were in each; the time is in seconds.
func TestMetricsTellHowFullStepsAre(t *testing.T) {
	s := Config{}.New(Named("pets", &fake{}))
	defer s.Close(context.Background())
	s.metrics.step("pets", 3, 250*time.Millisecond)
	s.metrics.step("pets", 2, 500*time.Millisecond)
	s.metrics.prepared("pets", 125*time.Millisecond)
	s.metrics.request("GET /v2", 404, 2*time.Second)
	w := httptest.NewRecorder()
	s.metrics.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`zoo_images_total{model="pets"} 5`, `zoo_batch_images_sum{model="pets"} 5`, `zoo_batch_images_count{model="pets"} 2`,
		`zoo_batch_images_bucket{model="pets",le="2"} 1`, `zoo_batch_images_bucket{model="pets",le="3"} 2`,
		`zoo_step_seconds_sum{model="pets"} 0.75`, `zoo_decode_seconds_sum{model="pets"} 0.125`,
		`zoo_requests_total{path="/v2",status="404"} 1`, `zoo_request_seconds_sum{path="/v2"} 2`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// An image that a network cannot compute is the fault of who sent it, and costs nobody else's who shares its step.
func TestABadImageCostsOthersNothing(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	url := serve(t, Config{Limits: Limits{Batch: 16}}, f)
	ask := func(a string) reply {
		return send(t, "POST", url+"/v2/models/pets/infer", `{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[`+a+`,1]}],"outputs":[{"name":"logits"}]}`)
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			switch got := ask(fmt.Sprint(660 + i)); {
			case i == 6 && (got.code != 500 || !strings.Contains(got.body, "the network has failed")):
				t.Errorf("the bad one: %d %s", got.code, got.body)
			case i != 6 && (got.code != 200 || !strings.Contains(got.body, fmt.Sprintf(`"data":[%d,1,%d]`, 660+i, 659+i))):
				t.Errorf("request %d: %d %s", i, got.code, got.body)
			}
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(send(t, "GET", url+"/metrics", "").body, `zoo_waiting_images{model="pets"} 20`) {
		if time.Now().After(deadline) {
			t.Fatal("the requests never were inside together")
		}
		time.Sleep(time.Millisecond)
	}
	close(f.hold)
	all.Wait()
	if got := ask("3e38"); got.code != 400 || !strings.Contains(got.body, "number 0 is 3e+38, from which the model cannot compute") {
		t.Errorf("%d %s", got.code, got.body)
	}
}

// What a request says comes back shortened, and what it claims to be is believed when it is too much.
func TestLongWordsAreShortened(t *testing.T) {
	url := serve(t, Config{Limits: Limits{Body: 1000}}, &fake{})
	for path, end := range map[string]string{
		"/v2/models/" + strings.Repeat("ä", 3000): "there is pets",
		"/" + strings.Repeat("b", 3000):           "lists those that there are",
	} {
		got := send(t, "GET", url+path, "")
		if got.code != 404 || len(got.body) > 700 || !strings.Contains(got.body, end) || strings.Contains(got.body, "\uFFFD") {
			t.Errorf("%d, %d bytes: %.100s", got.code, len(got.body), got.body)
		}
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n") // and nothing comes
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != 413 {
		t.Errorf("%v, %v", answer, err)
	}
	form := "--B\r\n" + strings.Repeat("A: b\r\n", 100_000) + "\r\nx\r\n--B--\r\n"
	url = serve(t, Config{}, &fake{})
	if got := send(t, "POST", url+"/predict", form, "Content-Type", "multipart/form-data; boundary=B"); got.code != 413 || !strings.Contains(got.body, "the header of a part") {
		t.Errorf("%d %s", got.code, got.body)
	}
}
