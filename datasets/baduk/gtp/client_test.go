package gtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// speak connects a client to a program that is a function from command lines to what it writes; not ok ends
// it.
func speak(t testing.TB, timeout time.Duration, program func(line string) (text string, ok bool)) (*Client, error) {
	t.Helper()
	fromUs, toIt := io.Pipe()
	fromIt, toUs := io.Pipe()
	go func() {
		defer toUs.Close()
		defer fromUs.Close()
		lines := bufio.NewScanner(fromUs)
		for lines.Scan() {
			text, ok := program(lines.Text())
			io.WriteString(toUs, text)
			if !ok {
				return
			}
		}
	}()
	c, err := Connect(context.Background(), "other", timeout, fromIt, toIt)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// engine connects a client to an engine of this package.
func connect(t testing.TB, cfg Config) *Client {
	t.Helper()
	e := newEngine(t, cfg)
	c, err := speak(t, time.Minute, func(line string) (string, bool) { return e.Do(line), !e.quit })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAClientGetsAnswers(t *testing.T) {
	c := connect(t, Config{})
	ctx := context.Background()
	for _, s := range []struct{ command, text, fault string }{
		{"name", "zoo", ""},
		{"clear_board", "", ""},
		{"play b D4", "", ""},
		{"play w D4", "", `other: refused "play w D4": illegal move`},
		{"genmove w", "A19", ""},
		{"fly", "", `other: refused "fly": unknown command`},
		{"name\nversion", "", `other: the command "name\nversion" has more than one line`},
		{"name", "", `other: the command "name\nversion" has more than one line`},
	} {
		text, err := c.Do(ctx, s.command)
		if text != s.text || fmt.Sprint(err) != s.fault && (err != nil || s.fault != "") {
			t.Errorf("%q: %q, %v: should be %q, %s", s.command, text, err, s.text, s.fault)
		}
	}
	if !c.Knows("genmove") || c.Knows("fly") {
		t.Error("the client does not know the engine's commands")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(ctx, "name"); err == nil {
		t.Error("a command after the end is no error")
	}
}

// Each program answers list_commands well and the next command in its own way.
func TestProgramsThatFailAreOneClearError(t *testing.T) {
	for _, s := range []struct{ name, answer, fault string }{
		{"a program that ends", "", `other: ended before it answered "genmove b"`},
		{"one that ends in the middle of an answer", "=2 D4\n", `other: ended before it answered "genmove b"`},
		{"one that says something else", "hello\n\n", `other: "genmove b" was answered by "hello": should begin with = or ?`},
		{"one that has lost count", "=1 D4\n\n", `other: "genmove b", which is command 2, was answered as command "1"`},
		{"one that writes a long line", strings.Repeat("x", maxLine+1), `other: "genmove b" was answered by more than 1048576 characters`},
		{"one that does not stop", strings.Repeat(strings.Repeat("=", 100)+"\n", maxAnswer/100), `other: "genmove b" was answered by more than 1048576 characters`},
	} {
		t.Run(s.name, func(t *testing.T) {
			n := 0
			c, err := speak(t, time.Minute, func(string) (string, bool) {
				n++
				if n == 1 {
					return "=1 genmove\n\n", true
				}
				return s.answer, false
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // what is broken stays so
				if _, err := c.Do(context.Background(), "genmove b"); err == nil || err.Error() != s.fault {
					t.Errorf("%v: should be %s", err, s.fault)
				}
			}
		})
	}
}

func TestAnswersAreReadAsTheyAreWritten(t *testing.T) {
	for _, s := range []struct{ name, answer, text, fault string }{
		{"carriage returns and tabs", "=2\tD4 \r\n\r\n", "D4", ""},
		{"empty lines before", "\n\n=2 D4\n\n", "D4", ""},
		{"no text", "=2\n\n", "", ""},
		{"several lines", "=2 A1 B1\nC1\n\n", "A1 B1\nC1", ""},
		{"a failure of several lines", "?2 no\nreally\n\n", "", `other: refused "x": no; really`},
	} {
		t.Run(s.name, func(t *testing.T) {
			n := 0
			c, err := speak(t, time.Minute, func(string) (string, bool) {
				n++
				return []string{"=1\n\n", s.answer, ""}[min(n, 3)-1], n < 3
			})
			if err != nil {
				t.Fatal(err)
			}
			text, err := c.Do(context.Background(), "x")
			if text != s.text || s.fault == "" && err != nil || s.fault != "" && fmt.Sprint(err) != s.fault {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

func TestNoAnswerIsAnErrorInTime(t *testing.T) {
	if _, err := speak(t, 10*time.Millisecond, func(string) (string, bool) { return "", true }); err == nil || err.Error() != `other: no answer to "list_commands" in 10ms` {
		t.Errorf("silence is %v", err)
	}
	release := make(chan struct{})
	n := 0
	c, err := speak(t, time.Hour, func(string) (string, bool) {
		if n++; n > 1 {
			<-release
		}
		return "=1\n\n", true
	})
	if err != nil {
		t.Fatal(err)
	}
	defer close(release)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := c.Do(ctx, "genmove b"); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted command ends with %v", err)
	}
}

// The test binary is the other program, if this is set.
const asProgram = "GTP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(m.Run())
	case "engine":
		e, err := New(Config{Name: "other", Version: "2", Player: first})
		if err == nil {
			err = e.Serve(context.Background(), os.Stdin, os.Stdout)
		}
		if err != nil {
			os.Exit(1)
		}
	case "dies":
		bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Print("=1 genmove\n\n")
		bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Fprintln(os.Stderr, "loading\nout of stones")
		os.Exit(3)
	case "stays":
		bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Print("=1 genmove\n\n")
		time.Sleep(time.Hour)
	}
}

// another starts the test binary as another program.
func another(t testing.TB, what string) (*Client, error) {
	t.Setenv(asProgram, what) // what is started inherits it
	return Start(context.Background(), time.Minute, os.Args[0])
}

func TestProgramsAreStartedAndEnded(t *testing.T) {
	c, err := another(t, "engine")
	if err != nil {
		t.Fatal(err)
	}
	if name, err := c.Do(context.Background(), "name"); name != "other" || err != nil {
		t.Errorf("name %q, %v", name, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if !c.process.ProcessState.Success() {
		t.Errorf("it ended with %v", c.process.ProcessState)
	}

	if c, err = another(t, "dies"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(context.Background(), "genmove b")
	if want := `ended before it answered "genmove b" (exit status 3): out of stones`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v: should end in %s", err, want)
	}
	c.Close()

	if c, err = another(t, "stays"); err != nil {
		t.Fatal(err)
	}
	c.broken = errors.New("it would not listen to quit")
	c.Close()
	select {
	case <-c.ended:
	default:
		t.Error("a program that stays is not ended")
	}

	if _, err := Start(context.Background(), 0, "/nowhere/gnugo"); err == nil || !strings.HasPrefix(err.Error(), "starting the other program: ") {
		t.Errorf("no program is %v", err)
	}
}

// gnugo is GNU Go, if it is installed.
func gnugo(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"gnugo", "/usr/games/gnugo"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("GNU Go is not installed")
	return ""
}

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{"=1 D4\n\n", "?12 no\nnever\n\n", "=\n\n\n=2\n\n", "= \x00\r\n\t\r\n", "hello\n\n", "=1 half"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := bufio.NewReaderSize(strings.NewReader(s), maxLine)
		for n := 0; ; n++ {
			r, ok := read(in)
			if !ok {
				return
			}
			if n > len(s) {
				t.Fatal("more answers than characters")
			}
			if r.err != nil {
				continue
			}
			if strings.Contains(r.text, "\n\n") || strings.ContainsAny(r.text, "\r\x00") || strings.Trim(r.id, "0123456789") != "" {
				t.Fatalf("%+v", r)
			}
		}
	})
}
