package gtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Client speaks to another program that plays Go. Every command gets an answer or an error in a bounded
// time; after an error that is no [Refused] the other program is not to be trusted any more, and every
// further command returns the same error. A Client is for one goroutine at a time.
type Client struct {
	name    string
	timeout time.Duration
	in      io.WriteCloser
	answers chan response
	last    int // number of the last command
	broken  error
	known   []string      // its commands
	process *exec.Cmd     // nil if there is none
	told    *tail         // on its standard error
	ended   chan struct{} // closed when the process has ended
	closed  chan struct{} // by Close
}

// A Refused error is the failure that the other program answered to a command.
type Refused struct {
	Program, Command, Text string
}

func (e *Refused) Error() string {
	return fmt.Sprintf("%s: refused %q: %s", e.Program, e.Command, strings.ReplaceAll(e.Text, "\n", "; "))
}

// A response is what a command got, without its sign and id.
type response struct {
	id     string
	failed bool
	text   string
	err    error
}

// maxAnswer bounds an answer: no command of the protocol needs as much.
const maxAnswer = 1 << 20

// goodbye is the time that a program has to end after quit.
const goodbye = 2 * time.Second

// Start runs a program, named as in a shell or by its path, that speaks GTP 2 on its standard input and
// output, and asks it what it can do. Timeout bounds the time of every answer; 0 means a minute. The program is to be
// ended by Close.
func Start(ctx context.Context, timeout time.Duration, program string, args ...string) (*Client, error) {
	cmd := exec.Command(program, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	told := &tail{}
	cmd.Stderr, cmd.WaitDelay = told, goodbye
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the other program: %w", err)
	}
	c := newClient(program, in, timeout)
	c.process, c.told, c.ended = cmd, told, make(chan struct{})
	go func() {
		c.listen(out)
		// All of its output is read, as Wait must not come before that.
		cmd.Wait()
		close(c.ended)
	}()
	return c.begin(ctx)
}

// Connect is [Start] for a program that runs already, or is a part of this one: what it writes is read from r, and
// commands are written to w. Name is what errors call it.
func Connect(ctx context.Context, name string, timeout time.Duration, r io.Reader, w io.WriteCloser) (*Client, error) {
	if r == nil || w == nil {
		return nil, fmt.Errorf("%s: there is nothing to read from or to write to", name)
	}
	c := newClient(name, w, timeout)
	go c.listen(r)
	return c.begin(ctx)
}

func newClient(name string, in io.WriteCloser, timeout time.Duration) *Client {
	if timeout <= 0 {
		timeout = time.Minute
	}
	return &Client{name: name, in: in, timeout: timeout, answers: make(chan response, 1), closed: make(chan struct{})}
}

// begin asks the program for its commands.
func (c *Client) begin(ctx context.Context) (*Client, error) {
	list, err := c.Do(ctx, "list_commands")
	if err != nil {
		c.Close()
		return nil, err
	}
	c.known = strings.Fields(list)
	return c, nil
}

// Name is the program's, as it was started.
func (c *Client) Name() string { return c.name }

// Knows says whether the program has a command.
func (c *Client) Knows(command string) bool { return slices.Contains(c.known, command) }

// Do sends a command and returns the text of its answer. The error is a [*Refused] if the program says that
// it failed.
func (c *Client) Do(ctx context.Context, command string) (string, error) {
	if c.broken != nil {
		return "", c.broken
	}
	text, err := c.do(ctx, command)
	var refused *Refused
	if err != nil && !errors.As(err, &refused) {
		c.broken = err
	}
	return text, err
}

func (c *Client) do(ctx context.Context, command string) (string, error) {
	fail := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("%s: %s", c.name, fmt.Sprintf(format, args...))
	}
	if strings.ContainsAny(command, "\r\n") {
		return fail("the command %q has more than one line", command)
	}
	c.last++
	id := strconv.Itoa(c.last)
	// A program that reads no more would hold the writer up forever.
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.in, id+" "+command+"\n")
		written <- err
	}()
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-timer.C:
			return fail("no answer to %q in %v", command, c.timeout)
		case err := <-written:
			written = nil
			if err != nil {
				return c.gone(ctx, command)
			}
		case r, ok := <-c.answers:
			switch {
			case !ok:
				return c.gone(ctx, command)
			case r.err != nil:
				return fail("%q was answered by %v", command, r.err)
			case r.id != id:
				return fail("%q, which is command %s, was answered as command %s", command, id, strconv.Quote(r.id))
			case r.failed:
				return "", &Refused{c.name, command, r.text}
			}
			return r.text, nil
		}
	}
}

// gone is the error for a program that has ended. If ctx is done as well, that is why: a Ctrl-C reaches both.
func (c *Client) gone(ctx context.Context, command string) (string, error) {
	why := ""
	if c.process != nil {
		select {
		case <-c.ended:
			why = " (" + c.process.ProcessState.String() + ")"
		case <-time.After(goodbye):
		}
		if line := c.told.line(); line != "" {
			why += ": " + line
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", fmt.Errorf("%s: ended before it answered %q%s", c.name, command, why)
}

// Close tells the program to quit, and ends it if it does not. A second call does nothing.
func (c *Client) Close() error {
	select {
	case <-c.closed:
		return nil
	default:
	}
	if c.broken == nil {
		ctx, cancel := context.WithTimeout(context.Background(), goodbye)
		c.Do(ctx, "quit")
		cancel()
		c.broken = fmt.Errorf("%s: the connection is closed", c.name)
	}
	close(c.closed)
	err := c.in.Close()
	if c.process == nil {
		return err
	}
	select {
	case <-c.ended:
	case <-time.After(goodbye):
		c.process.Process.Kill()
		// What the program started may hold its output open, so that there is no end to wait for.
		select {
		case <-c.ended:
		case <-time.After(goodbye):
		}
	}
	return nil
}

// listen reads answers until there are no more, or one is none.
func (c *Client) listen(r io.Reader) {
	defer io.Copy(io.Discard, r) // so that the program is not held up
	defer close(c.answers)
	in := bufio.NewReaderSize(r, maxLine)
	for {
		a, ok := read(in)
		if !ok {
			return
		}
		select {
		case c.answers <- a:
		case <-c.closed: // nobody listens
			return
		}
		if a.err != nil {
			return
		}
	}
}

// read reads an answer: lines to the first empty one. It is not ok at the end of the input.
func read(in *bufio.Reader) (r response, ok bool) {
	var text strings.Builder
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || text.Len()+len(line) > maxAnswer {
			return response{err: fmt.Errorf("more than %d characters", maxAnswer)}, true
		}
		if err != nil {
			return r, false // an answer without its end is none
		}
		s := strings.TrimRight(clean(string(line)), " ")
		switch {
		case s != "":
			text.WriteString(s + "\n")
		case text.Len() > 0:
			return interpret(strings.TrimSuffix(text.String(), "\n")), true
		}
	}
}

// interpret takes an answer apart.
func interpret(s string) response {
	if s[0] != '=' && s[0] != '?' {
		first, _, _ := strings.Cut(s, "\n")
		return response{err: fmt.Errorf("%q: should begin with = or ?", first[:min(len(first), 80)])}
	}
	rest := s[1:]
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	return response{id: rest[:digits], failed: s[0] == '?', text: strings.TrimSpace(rest[digits:])}
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p[max(0, len(p)-1000):]...)
	t.end = t.end[max(0, len(t.end)-1000):]
	return len(p), nil
}

// line is the last line with something in it.
func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.end)), "\n")
	return clean(lines[len(lines)-1])
}
