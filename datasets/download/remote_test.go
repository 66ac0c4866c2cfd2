package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// remote is a file that is published on a server, with its check.
func remote(t *testing.T, mirrors ...mirror) (Remote, []byte, *log) {
	t.Helper()
	data := content(4)
	addresses, asked := serve(t, map[string][]byte{"net.pth": data}, mirrors...)
	r := Remote{Name: "net.pth", Address: addresses[len(addresses)-1] + "net.pth", Mirrors: addresses[:len(addresses)-1], Check: func(path string) error {
		got, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(got, data) {
			err = errors.New("has another checksum")
		}
		return err
	}}
	return r, data, asked
}

func TestAFileIsFetchedWhateverItsServerDoes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		mirrors []mirror
		fails   string
	}{
		{"at once", []mirror{good}, ""},
		{"cut, and gone on with", []mirror{first(cut(70000), good)}, ""},
		{"cut by one that knows no ranges", []mirror{first(cut(70000), whole)}, ""},
		{"of a mirror that is away", []mirror{status(404), good}, ""},
		{"of a mirror with other bytes", []mirror{wrong, good}, ""},
		{"silent", []mirror{stall(0)}, "silent for too long"},
		{"gone", []mirror{status(410)}, "answers 410 Gone"},
		{"in a circle", []mirror{circle}, "10 redirects"},
		{"other bytes everywhere", []mirror{wrong}, "has another checksum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, data, _ := remote(t, tt.mirrors...)
			to := filepath.Join(t.TempDir(), "cache", "net.pth")
			err := Fetch(t.Context(), r, to, quick(""))
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || !strings.Contains(err.Error(), "net.pth") {
					t.Errorf("error %v does not say %q", err, tt.fails)
				}
				if !errors.Is(err, ErrUnreachable) {
					t.Errorf("%v is not ErrUnreachable", err)
				}
				if _, err := os.Stat(to); err == nil {
					t.Error("the file is there")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestAFileThatIsThereIsNotFetched(t *testing.T) {
	r, _, asked := remote(t, good)
	to := filepath.Join(t.TempDir(), "net.pth")
	for range 2 {
		if err := Fetch(t.Context(), r, to, quick("")); err != nil {
			t.Fatal(err)
		}
	}
	if list := asked.asked(); len(list) != 1 {
		t.Errorf("the server was asked %q", list)
	}
}

// Two programs that want one file: the second waits and says so.
func TestASecondFetchWaitsForTheFirst(t *testing.T) {
	r, _, asked := remote(t, drip)
	to := filepath.Join(t.TempDir(), "net.pth")
	waits := make(chan error, 16)
	results := make(chan error, 2)
	for range 2 {
		go func() {
			o := quick("")
			o.Trouble = func(err error) { waits <- err }
			results <- Fetch(t.Context(), r, to, o)
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if len(waits) > 0 {
		if err := <-waits; !errors.Is(err, ErrBusy) || !strings.HasSuffix(err.Error(), "waiting for it") {
			t.Errorf("it says %v", err)
		}
	}
	if list := asked.asked(); len(list) != 1 {
		t.Errorf("the server was asked %q", list)
	}

	// Whoever waits can be told to stop.
	unlock, err := lock(filepath.Join(filepath.Dir(to), "other.pth.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := Fetch(ctx, r, filepath.Join(filepath.Dir(to), "other.pth"), quick("")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoFileIsNotFetched(t *testing.T) {
	check := func(string) error { return nil }
	for _, r := range []Remote{
		{Name: "a", Address: "not an address", Check: check}, {Name: "a/b", Address: "http://localhost/a", Check: check},
		{Address: "http://localhost/a", Check: check}, {Name: "a", Address: "http://localhost/a"},
	} {
		if err := Fetch(t.Context(), r, filepath.Join(t.TempDir(), "a"), quick("")); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("no file to fetch from %q", r.Address)) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
