package download

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// The data set of these tests: images of 3×128×128, a file for each part.
var shape = image.Shape{C: 3, H: 128, W: 128}

func init() {
	info := datasets.Info{Name: "toy", Classes: []string{"a"}, Shape: shape}
	datasets.Register(datasets.Dataset{
		Info:  info,
		Sizes: map[datasets.Part]int{datasets.Train: 4, datasets.Test: 1},
		Open: func(dir string, part datasets.Part) (datasets.Source, error) {
			pix, err := os.ReadFile(filepath.Join(dir, string(part)+".bin"))
			if err != nil {
				return nil, err
			}
			m, err := datasets.NewMemory(info, pix, make([]int32, len(pix)/shape.Len()))
			if err != nil {
				return nil, err
			}
			return m, nil
		},
	})
}

// content is n images.
func content(n int) []byte {
	data := make([]byte, n*shape.Len())
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	return data
}

func file(name string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// A mirror answers a request, the nth for that file, from 0.
type mirror func(w http.ResponseWriter, r *http.Request, data []byte, n int)

func good(w http.ResponseWriter, r *http.Request, data []byte, _ int) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// cut promises everything, and ends the connection after that many bytes of each answer.
func cut(after int) mirror {
	return func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		good(&shortWriter{w, after}, r, data, n)
	}
}

type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	if w.left -= n; w.left == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// stall is silent after that many bytes of each answer.
func stall(after int) mirror {
	return func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		defer func() {
			if recover() != nil {
				<-r.Context().Done()
			}
		}()
		cut(after)(w, r, data, n)
	}
}

func status(code int) mirror {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) { w.WriteHeader(code) }
}

// claim says another length.
func claim(more int) mirror {
	return func(w http.ResponseWriter, _ *http.Request, data []byte, _ int) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)+more))
		w.Write(data[:min(len(data), len(data)+more)])
	}
}

// endless does not say its length, and sends more.
func endless(w http.ResponseWriter, _ *http.Request, data []byte, _ int) {
	w.(http.Flusher).Flush()
	w.Write(data)
	w.Write(data)
}

// silentEnd does not say its length, and ends early without fault.
func silentEnd(w http.ResponseWriter, _ *http.Request, data []byte, _ int) {
	w.(http.Flusher).Flush()
	w.Write(data[:len(data)/3])
}

// wrong has a file of the same length with other bytes.
func wrong(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	other := slices.Clone(data)
	other[len(other)-1] ^= 1
	good(w, r, other, n)
}

// whole knows no ranges.
func whole(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	r.Header.Del("Range")
	good(w, r, data, n)
}

// first answers the first request for a file in another way.
func first(a, then mirror) mirror {
	return func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		if n == 0 {
			a(w, r, data, n)
			return
		}
		then(w, r, data, n-1)
	}
}

// misplaced answers a range with another one.
func misplaced(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	if r.Header.Get("Range") != "" {
		r.Header.Set("Range", "bytes=5-")
	}
	good(w, r, data, n)
}

// mute takes the request, and never answers.
func mute(_ http.ResponseWriter, r *http.Request, _ []byte, _ int) { <-r.Context().Done() }

// drip sends its answer in pieces, slowly, but is never silent for long.
func drip(w http.ResponseWriter, r *http.Request, data []byte, _ int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	for piece := range slices.Chunk(data, len(data)/8+1) {
		w.Write(piece)
		w.(http.Flusher).Flush()
		time.Sleep(60 * time.Millisecond)
	}
}

// circle leads back to where it was asked.
func circle(w http.ResponseWriter, r *http.Request, _ []byte, _ int) {
	http.Redirect(w, r, r.URL.Path, http.StatusFound)
}

// partial answers with a part that is called content, of so many bytes, whatever was asked for.
func partial(content string, length int) mirror {
	return func(w http.ResponseWriter, _ *http.Request, data []byte, _ int) {
		w.Header().Set("Content-Range", content)
		w.Header().Set("Content-Length", fmt.Sprint(length))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(data[:min(length, len(data))])
	}
}

// A log counts what mirrors are asked for.
type log struct {
	mu     sync.Mutex
	ranges []string
}

func (l *log) asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ranges)
}

// serve starts mirrors of files on the loopback interface.
func serve(t *testing.T, files map[string][]byte, mirrors ...mirror) ([]string, *log) {
	t.Helper()
	var l log
	var all []string
	for i, m := range mirrors {
		count := map[string]int{}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := strings.TrimPrefix(r.URL.Path, "/files/")
			l.mu.Lock()
			l.ranges = append(l.ranges, strings.TrimSpace(fmt.Sprintf("%d %s %s", i, name, r.Header.Get("Range"))))
			n := count[name]
			count[name]++
			l.mu.Unlock()
			data, ok := files[name]
			if !ok || r.Header.Get("Accept-Encoding") != "identity" {
				http.NotFound(w, r)
				return
			}
			m(w, r, data, n)
		}))
		t.Cleanup(s.Close)
		all = append(all, s.URL+"/files/")
	}
	return all, &l
}

// toy is the data set, and what its mirrors have.
func toy() (Set, map[string][]byte) {
	train, test := content(4), content(1)
	return Set{Name: "toy", Files: []File{file("train.bin", train), file("test.bin", test)}},
		map[string][]byte{"train.bin": train, "test.bin": test}
}

func quick(dir string) Options {
	return Options{Dir: dir, Stall: 250 * time.Millisecond, Pause: time.Millisecond, Rounds: 2}
}

func TestGetBringsTheFilesWhateverMirrorsDo(t *testing.T) {
	for _, c := range []struct {
		name    string
		mirrors []mirror
		trouble string // part of what is told on the way
	}{
		{"a good mirror", []mirror{good}, ""},
		{"a slow one that is never silent", []mirror{drip}, ""},
		{"a mirror that cuts every answer", []mirror{cut(30000)}, "cut after 30000 of 196608 bytes"},
		{"a mirror that falls silent once", []mirror{first(stall(1000), good)}, "silent for too long"},
		{"a mirror that never answers, and a good one", []mirror{stall(0), good}, "silent for too long"},
		{"a mirror that cuts once and knows no ranges", []mirror{first(cut(70000), whole)}, "cut after 70000"},
		{"a mirror that is away, and a good one", []mirror{status(404), good}, "answers 404 Not Found"},
		{"a mirror that is overloaded for once", []mirror{first(status(503), good)}, "answers 503"},
		{"a mirror that promises less", []mirror{claim(-10), good}, "says that the file has 196598 bytes: should be 196608"},
		{"a mirror that promises more", []mirror{claim(10), good}, "says that the file has 196618 bytes: should be 196608"},
		{"a mirror that does not end", []mirror{endless, good}, "sends more than the 196608 bytes"},
		{"a mirror that ends early and says nothing", []mirror{first(silentEnd, good)}, "cut after 65536 of 196608 bytes"},
		{"a mirror with other bytes", []mirror{wrong, good}, "SHA-256"},
		{"a mirror that answers another range", []mirror{first(cut(10), misplaced), good}, "answers with the range"},
		{"other bytes, of which a part is kept", []mirror{first(cut(100), status(404)), wrong, good}, "starting anew"},
		{"a mirror that takes the request and says nothing", []mirror{mute, good}, "silent for too long"},
		{"a mirror that says nothing for once", []mirror{first(mute, good)}, "silent for too long"},
		{"a mirror that goes on and falls silent again", []mirror{first(stall(1000), first(stall(2000), good))}, "silent for too long"},
		{"a mirror that leads in a circle", []mirror{circle, good}, "10 redirects"},
		{"a mirror that lies about the length of the rest", []mirror{first(cut(100), partial("bytes 100-196607/196608", 9)), good}, "sends 9 bytes from byte 100 on: should be 196508"},
		{"a mirror that lies about the length of the whole", []mirror{first(cut(100), partial("bytes 100-196607/7", 196508)), good}, "says that the file has 7 bytes: should be 196608"},
		{"a mirror that answers with a part that nobody asked for", []mirror{partial("bytes 5-9/196608", 5), good}, `answers with the range "bytes 5-9/196608"`},
		{"a mirror that calls its range nonsense", []mirror{first(cut(100), partial("all of it", 5)), good}, `answers with the range "all of it"`},
		{"a mirror that begins right and ends wrong", []mirror{first(cut(100), wrong), good}, "SHA-256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, files := toy()
			set.Mirrors, _ = serve(t, files, c.mirrors...)
			opts := quick(t.TempDir())
			var troubles []string
			opts.Trouble = func(err error) { troubles = append(troubles, err.Error()) }
			last := map[string]Progress{}
			opts.Progress = func(p Progress) { last[p.File] = p }
			r, err := set.Get(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			if r.Had || len(r.Parts) != 2 || r.Parts[0].Images != 4 || r.Dir != filepath.Join(opts.Dir, "toy") {
				t.Errorf("result %+v", r)
			}
			for name, data := range files {
				if got, err := os.ReadFile(filepath.Join(r.Dir, name)); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: %d bytes, error %v: not what it should be", name, len(got), err)
				}
				if p := last[name]; p.Done != p.Size || p.Size != int64(len(data)) {
					t.Errorf("%s: progress ended at %+v", name, p)
				}
			}
			all := strings.Join(troubles, "\n")
			if !strings.Contains(all, c.trouble) || (c.trouble == "") != (all == "") {
				t.Errorf("told %q: should be something with %q", all, c.trouble)
			}
			if left, _ := filepath.Glob(filepath.Join(opts.Dir, ".toy.part*")); left != nil {
				t.Errorf("%v: left behind", left)
			}
		})
	}
}

// Each mirror is asked so many rounds in vain, and bytes of several that do not fit are fetched anew so many times.
func TestMirrorsAreAskedAsOftenAsTheyMayBe(t *testing.T) {
	breaks := func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		if n%2 == 0 {
			cut(9)(w, r, data, n)
		} else {
			status(503)(w, r, data, n)
		}
	}
	for _, c := range []struct {
		name    string
		mirrors []mirror
		rounds  int
		want    []int // requests of each
	}{
		{"away for now, one", []mirror{status(503)}, 3, []int{3}},
		{"away for now, two", []mirror{status(503), status(503)}, 2, []int{2, 2}},
		{"gone", []mirror{status(404), status(503)}, 2, []int{1, 2}},
		{"parts that do not fit", []mirror{breaks, wrong}, 2, []int{8, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, files := toy()
			var asked *log
			set.Mirrors, asked = serve(t, files, c.mirrors...)
			opts := patient(t.TempDir())
			opts.Rounds = c.rounds
			if _, err := set.Get(t.Context(), opts); !errors.Is(err, ErrUnreachable) {
				t.Errorf("error %v", err)
			}
			got := make([]int, len(c.mirrors))
			for _, a := range asked.asked() {
				var m int
				var name string
				if fmt.Sscan(a, &m, &name); name == "train.bin" {
					got[m]++
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("mirrors are asked %v times, should be %v: %q", got, c.want, asked.asked())
			}
		})
	}
}

func TestGetFailsWithTheReasonOfEachMirror(t *testing.T) {
	for _, c := range []struct {
		name    string
		mirrors []mirror
		errs    []string
	}{
		{"all are away", []mirror{status(404), status(410)}, []string{"train.bin: no mirror has it: ", "answers 404", "; ", "answers 410 Gone"}},
		{"all have other bytes", []mirror{wrong, wrong}, []string{"SHA-256", "should be"}},
		{"all lie about the length", []mirror{claim(-1), claim(1)}, []string{"has 196607 bytes", "has 196609 bytes"}},
		{"all are silent", []mirror{stall(0)}, []string{"silent for too long (250ms)"}},
		{"all are mute", []mirror{mute}, []string{"silent for too long (250ms)"}},
		{"all cut at once", []mirror{cut(0)}, []string{"no mirror has it"}},
		{"always parts that do not fit", []mirror{first(cut(9), first(wrong, status(503))), first(wrong, status(503))}, []string{"no mirror has it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, files := toy()
			set.Mirrors, _ = serve(t, files, c.mirrors...)
			opts := quick(t.TempDir())
			_, err := set.Get(t.Context(), opts)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.errs {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v: should say %q", err, want)
				}
			}
			if _, err := os.Stat(filepath.Join(opts.Dir, "toy")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder is there (%v)", err)
			}
		})
	}
}

func TestAnInterruptedDownloadGoesOnWhereItEnded(t *testing.T) {
	set, files := toy()
	var asked *log
	troubled := first(cut(50000), first(stall(1000), good))
	set.Mirrors, asked = serve(t, files, func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		if len(data) < 50000 {
			n = 2 // test.bin always comes
		}
		troubled(w, r, data, n)
	})
	opts := quick(t.TempDir())
	opts.Stall = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	opts.Progress = func(p Progress) {
		if p.Done == 51000 {
			cancel() // while the mirror is silent
		}
	}
	if _, err := set.Get(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v: should be that of the context", err)
	}
	if _, err := os.Stat(filepath.Join(opts.Dir, "toy")); err == nil {
		t.Error("the folder is there before it is whole")
	}
	opts.Progress = nil
	r, err := set.Get(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0 train.bin", "0 train.bin bytes=50000-", "0 train.bin bytes=51000-"}
	if got := asked.asked(); len(got) < 3 || !slices.Equal(got[:3], want) {
		t.Errorf("asked for %q: should begin %q", got, want)
	}
	if got, err := os.ReadFile(filepath.Join(r.Dir, "train.bin")); err != nil || !bytes.Equal(got, files["train.bin"]) {
		t.Errorf("%d bytes, error %v: not what it should be", len(got), err)
	}

	// What is there is not asked for again, and what has faults is replaced.
	before := len(asked.asked())
	if r, err = set.Get(t.Context(), opts); err != nil || !r.Had {
		t.Errorf("result %+v, error %v: should be there already", r, err)
	}
	if n := len(asked.asked()); n != before {
		t.Errorf("%d requests for what is there", n-before)
	}
	if err := os.Truncate(filepath.Join(r.Dir, "train.bin"), int64(shape.Len())); err != nil {
		t.Fatal(err)
	}
	var told error
	opts.Trouble = func(err error) { told = err }
	if r, err = set.Get(t.Context(), opts); err != nil || r.Had || told == nil || !strings.Contains(told.Error(), "1 images: should be 4") {
		t.Errorf("result %+v, error %v, told %v: should be replaced", r, err, told)
	}
}

func TestTwoDownloadsOfASetDoNotMeet(t *testing.T) {
	set, files := toy()
	arrived, leave := make(chan struct{}), make(chan struct{})
	set.Mirrors, _ = serve(t, files, first(func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
		if int64(len(data)) == set.Files[0].Size {
			close(arrived)
			<-leave
		}
		good(w, r, data, n)
	}, good))
	opts := quick(t.TempDir())
	opts.Stall = time.Minute
	done := make(chan error)
	go func() {
		_, err := set.Get(t.Context(), opts)
		done <- err
	}()
	<-arrived
	if _, err := set.Get(t.Context(), opts); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v: should be ErrBusy", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if r, err := set.Get(t.Context(), opts); err != nil || !r.Had {
		t.Errorf("result %+v, error %v: the lock should be free", r, err)
	}
}

func TestWithoutAChecksumTheReaderJudges(t *testing.T) {
	set, files := toy()
	set.Files[0].SHA256 = ""
	set.Files[0].Size = 1000 // no whole number of images
	files["train.bin"] = files["train.bin"][:1000]
	set.Mirrors, _ = serve(t, files, good)
	opts := quick(t.TempDir())
	_, err := set.Get(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "toy: what was downloaded cannot be used: ") {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.Dir, ".toy.part")); left != nil {
		t.Errorf("%v: bytes that nobody vouches for are left behind", left)
	}
}

func TestAMirrorOfOnesOwnIsAskedFirst(t *testing.T) {
	set, files := toy()
	both, asked := serve(t, files, good, good)
	set.Mirrors = both[1:]
	opts := quick(t.TempDir())
	opts.Mirrors = both[:1]
	if _, err := set.Get(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	if got := asked.asked(); !slices.Equal(got, []string{"0 train.bin", "0 test.bin"}) {
		t.Errorf("asked for %q: the second mirror is not needed", got)
	}
	opts.Mirrors = []string{"ftp://example.org/"}
	if _, err := set.Get(t.Context(), opts); err == nil || !strings.Contains(err.Error(), `mirror "ftp://example.org/": should be`) {
		t.Errorf("error %v", err)
	}
}

func TestTheListIsComplete(t *testing.T) {
	var names []string
	for _, s := range List() {
		names = append(names, s.Name)
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
		if d, err := datasets.Lookup(s.Name); err != nil || d.Embedded {
			t.Errorf("%s: no data set that can be downloaded (%v)", s.Name, err)
		}
		if len(s.Mirrors) < 2 {
			t.Errorf("%s: %d mirrors", s.Name, len(s.Mirrors))
		}
		if err := (&getter{set: s, Options: Options{Dir: t.TempDir()}}).complete(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	if want := []string{"cifar-10", "cifar-100", "fashion-mnist", "mnist"}; !slices.Equal(names, want) {
		t.Errorf("list of %q: should be %q", names, want)
	}
	s, err := Lookup("mnist")
	if err != nil || s.Size() != 9912422+28881+1648877+4542 {
		t.Errorf("mnist has %d bytes, error %v", s.Size(), err)
	}
	if _, err := Lookup("minst"); !errors.Is(err, datasets.ErrUnknown) {
		t.Errorf("error %v: should be that of an unknown name", err)
	}
	if _, err := Lookup("tiny-imagenet"); err == nil || !strings.Contains(err.Error(), "cannot be downloaded: these can be: cifar-10, ") {
		t.Errorf("error %v", err)
	}
}

func TestValidateRefusesNamesThatLeadElsewhere(t *testing.T) {
	ok := File{Name: "a", Size: 1}
	for _, c := range []struct {
		name string
		set  Set
		err  string
	}{
		{"a set above", Set{Name: "..", Files: []File{ok}}, `data set ".."`},
		{"a set in a folder", Set{Name: "a/b", Files: []File{ok}}, `data set "a/b"`},
		{"a hidden set", Set{Name: ".a", Files: []File{ok}}, `data set ".a"`},
		{"a set of nothing", Set{Name: "a"}, "no files"},
		{"a file above", Set{Name: "a", Files: []File{{Name: "../a", Size: 1}}}, `file "../a"`},
		{"a file of unknown size", Set{Name: "a", Files: []File{{Name: "a"}}}, "should be known"},
		{"half a checksum", Set{Name: "a", Files: []File{{Name: "a", Size: 1, SHA256: "abcd"}}}, `checksum "abcd"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.set.Validate(); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: should say %q", err, c.err)
			}
		})
	}
}
