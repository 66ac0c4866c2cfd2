package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	cdproto "github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	protocol "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// A browser is a page that is open, and what went wrong on it.
type browser struct {
	ctx context.Context

	mu       sync.Mutex
	faults   []string // errors of scripts, and messages to the console that are errors
	requests []string
}

// browse opens an address in a headless Chromium, and skips the test where there is none.
func browse(t *testing.T, address string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(2*time.Minute))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.faults = append(b.faults, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				b.faults = append(b.faults, fmt.Sprint(e.Args))
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				b.faults = append(b.faults, e.Entry.Text+" "+e.Entry.URL)
			}
		case *protocol.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdproto.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, protocol.Enable, protocol.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	// Afterwards nothing waits for ever.
	b.ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	b.do(t, chromedp.EmulateViewport(1200, 900), chromedp.Navigate(address))
	return b
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// value is what an expression gives, as text.
func (b *browser) value(t *testing.T, expression string) string {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// script runs statements.
func (b *browser) script(t *testing.T, statements string) {
	t.Helper()
	b.value(t, "(() => { "+statements+" })()")
}

// becomes waits for an expression to be true.
func (b *browser) becomes(t *testing.T, expression string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); b.value(t, expression) != "true"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", expression)
		}
	}
}

// text is that of an element.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	return b.value(t, fmt.Sprintf("(document.querySelector(%q) || {}).textContent || ''", selector))
}

// until waits for an element's text.
func (b *browser) until(t *testing.T, selector, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = b.text(t, selector); strings.Contains(got, want) {
			return
		}
	}
	t.Fatalf("%s is %q, never %q", selector, got, want)
}

// shoot writes screenshots where somebody wants to look at them: at a desk and on a phone, light and dark.
func (b *browser) shoot(t *testing.T, name string) {
	dir := os.Getenv("ZOO_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1200} {
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			if err != nil {
				t.Fatal(err)
			}
			b.do(t, chromedp.EmulateViewport(width, 900))
			png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), png, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	b.do(t, chromedp.EmulateViewport(1200, 900))
}

// clean checks what must hold of every page.
func (b *browser) clean(t *testing.T, origin string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		t.Errorf("the console has an error: %s", f)
	}
	for _, r := range b.requests {
		if u, err := url.Parse(r); err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme+"://"+u.Host != origin {
			t.Errorf("a request leaves for %.80s", r)
		}
	}
}

func TestThePageInABrowser(t *testing.T) {
	run := filepath.Join(t.TempDir(), "<b>run")
	if err := os.Mkdir(run, 0o777); err != nil {
		t.Fatal(err)
	}
	table := "epoch,step,lr,train_loss,train_top1_error,test_loss,top1_error\n1,10,0.1,1,0.5,1,0.4\n"
	for name, text := range map[string]string{"config.json": "{}", "metrics.csv": table} {
		if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	picture := filepath.Join(t.TempDir(), "<i>boot.png")
	if err := os.WriteFile(picture, boot(t), 0o666); err != nil {
		t.Fatal(err)
	}
	address, _ := serving(t, serveOptions{page: true}, "lenet5-fashion-mnist", "resnet20-cifar10", "alphago-policy-small", run)
	b := browse(t, address+"/")

	t.Run("an image", func(t *testing.T) {
		b.do(t, chromedp.WaitReady(chromedp.CSS("#model option")), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{picture}))
		b.until(t, "#answers button .text", "Ankle boot")
		b.until(t, "#answers p", "<i>boot.png")
		b.until(t, "#about", "what speaks for Ankle boot")
		const heat = "document.querySelector('#heat').src"
		first := b.value(t, heat)
		b.shoot(t, "image")
		// Another class, another way: another map.
		b.do(t, chromedp.Click(chromedp.CSS("#answers button:nth-of-type(2)")))
		b.becomes(t, fmt.Sprintf("%s !== %q", heat, first))
		second := b.value(t, heat)
		b.script(t, "const h = document.querySelector('#how'); h.value = 'occlusion'; h.dispatchEvent(new Event('change'))")
		b.becomes(t, fmt.Sprintf("%s !== %q", heat, second))
		b.script(t, "const s = document.querySelector('#strength'); s.value = 20; s.dispatchEvent(new Event('input'))")
		if got := b.value(t, "document.querySelector('#heat').style.opacity"); got != "0.2" {
			t.Errorf("the slider sets the map's opacity to %s", got)
		}
	})
	t.Run("the network", func(t *testing.T) {
		b.do(t, chromedp.Click(chromedp.CSS("#tab-network")), chromedp.WaitVisible(chromedp.CSS("#blocks button")))
		if got := b.text(t, "#totals"); !strings.Contains(got, "61,706 parameters") {
			t.Errorf("totals: %s", got)
		}
		b.do(t, chromedp.Click(chromedp.CSS("#blocks button.conv")))
		b.until(t, "#arithmetic", "(28 - 5 + 2·2)/1 + 1 = 28")
		b.shoot(t, "network")
	})
	t.Run("a run that trains", func(t *testing.T) {
		b.do(t, chromedp.Click(chromedp.CSS("#tab-runs")))
		b.until(t, "#curves", "40.00 %")
		b.until(t, "#curves h2", "<b>run")
		table += "2,20,0.1,1,0.4,1,0.25\n3,30,0.1,1,0.3" // the last line is being written
		if err := os.WriteFile(filepath.Join(run, "metrics.csv"), []byte(table), 0o666); err != nil {
			t.Fatal(err)
		}
		b.until(t, "#curves", "25.00 %")
		b.shoot(t, "runs")
	})
	t.Run("a game of ten moves", func(t *testing.T) {
		b.do(t, chromedp.Click(chromedp.CSS("#tab-go")), chromedp.WaitVisible(chromedp.CSS("#board circle.star")))
		for i, choice := range []string{"Q16 R4", "D4 E3 C10", "Q3 P3 R10", "D17 E17 F3", "K10 L10 M10"} {
			// The policy may have taken the first.
			point := b.value(t, fmt.Sprintf("%q.split(' ').find(p => document.querySelector('[data-point=' + p + ']'))", choice))
			b.do(t, chromedp.SendKeys(chromedp.CSS("#point"), point+"\r"))
			b.until(t, fmt.Sprintf("#moves li:nth-child(%d)", 2*i+1), point)
			b.do(t, chromedp.WaitReady(chromedp.CSS(fmt.Sprintf("#moves li:nth-child(%d)", 2*i+2))))
			b.until(t, "#turn", "black to play")
		}
		stones, err := strconv.Atoi(b.value(t, "document.querySelectorAll('#board .black, #board .white').length"))
		if err != nil || stones < 8 {
			t.Errorf("%d stones after ten moves, %v", stones, err)
		}
		b.shoot(t, "go")
	})
	t.Run("what cannot be done is said", func(t *testing.T) {
		b.do(t, chromedp.SendKeys(chromedp.CSS("#point"), "Q16\r"))
		b.until(t, "#message", "occupied")
		b.do(t, chromedp.Click(chromedp.CSS("#undo")))
		b.until(t, "#message", "")
	})
	// The browser's own line about the one answer that was an error.
	b.mu.Lock()
	for i, f := range b.faults {
		if strings.Contains(f, "400 (Bad Request)") && strings.HasSuffix(f, "/page/go") {
			b.faults = append(b.faults[:i], b.faults[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	b.clean(t, address)
}

// A picture that several networks take for different things, and one that all know.
func TestThePageShowsHowMembersDisagree(t *testing.T) {
	var members []string
	for i := range 7 {
		members = append(members, fmt.Sprintf("lenet5-fashion-mnist-ensemble-m%d", i+1))
	}
	address, _ := serving(t, serveOptions{page: true, ensemble: true}, members...)
	b := browse(t, address+"/")
	dir := t.TempDir()
	show := func(name string, file []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		b.do(t, chromedp.WaitReady(chromedp.CSS("#model option")), chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{path}))
		b.until(t, "#answers p", name)
	}
	show("boot.png", boot(t))
	b.until(t, "#agreement", "All 7 say Ankle boot, with ")
	if rows := b.value(t, "document.querySelectorAll('#members tbody tr').length"); rows != "7" {
		t.Errorf("%s members are shown", rows)
	}
	file, counts := disputed(t, members)
	show("disputed.png", file)
	b.until(t, "#agreement", " of 7 say ")
	b.until(t, "#agreement", "; the others say ")
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	b.until(t, "#agreement", fmt.Sprintf("%d of 7 say ", most))
	if marked := b.value(t, "document.querySelectorAll('#members .differs').length"); marked != strconv.Itoa(7-most) {
		t.Errorf("%s members are marked, should be %d", marked, 7-most)
	}
	b.until(t, "#about", "what speaks for")
	b.shoot(t, "members")
	b.clean(t, address)
}

// disputed finds an embedded image whose class the networks do not agree about, and counts what they say.
func disputed(t *testing.T, names []string) (file []byte, counts map[string]int) {
	t.Helper()
	split, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	var members []*infer.Classifier
	for _, name := range names {
		c, err := pretrained.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		members = append(members, c)
	}
	for i := range split.Test.Len() {
		var img pixels.Image
		if err := split.Test.Image(i, &img); err != nil {
			t.Fatal(err)
		}
		counts = map[string]int{}
		most := 0
		for _, c := range members {
			top, err := c.Predict(t.Context(), &img, 1)
			if err != nil {
				t.Fatal(err)
			}
			counts[top[0].Class]++
			most = max(most, counts[top[0].Class])
		}
		if most >= 4 && most < 7 {
			var b bytes.Buffer
			if err := png.Encode(&b, &img); err != nil {
				t.Fatal(err)
			}
			return b.Bytes(), counts
		}
	}
	t.Fatal("they agree about every image")
	return nil, nil
}

func TestThePageWantsTheToken(t *testing.T) {
	address, _ := serving(t, serveOptions{page: true, token: "s3cret"}, "lenet5-fashion-mnist")
	b := browse(t, address+"/")
	b.do(t, chromedp.WaitVisible(chromedp.CSS("#token")), chromedp.SendKeys(chromedp.CSS("#token"), "s3cret\r"),
		chromedp.WaitReady(chromedp.CSS("#model option")))
}

func TestThePagesPolicy(t *testing.T) {
	address, _ := serving(t, serveOptions{page: true}, "lenet5-fashion-mnist")
	for _, path := range []string{"/", "/page.js", "/page.css"} {
		code, header, body := get(t, address+path)
		if csp := header.Get("Content-Security-Policy"); code != 200 || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %d, policy %q", path, code, csp)
		}
		if strings.Contains(body, "http://") && !strings.Contains(body, "www.w3.org/2000/svg") || strings.Contains(body, "https://") || strings.Contains(body, "innerHTML") {
			t.Errorf("%s asks elsewhere, or makes markup of text", path)
		}
	}
	if code, _, _ := get(t, address+"/page/go"); code != 405 {
		t.Errorf("GET /page/go: %d", code)
	}
	if code, body := post(t, address+"/page/go", []byte("{}")); code != 400 || !strings.Contains(body, "without a policy") {
		t.Errorf("a game without a player: %d %s", code, body)
	}
	if code, body := post(t, address+"/page/models/lenet5-fashion-mnist/look?how=none", boot(t)); code != 400 || !strings.Contains(body, "there are gradcam") {
		t.Errorf("another way: %d %s", code, body)
	}
	alone, _ := serving(t, serveOptions{}, "lenet5-fashion-mnist")
	if code, _, _ := get(t, alone+"/"); code != 404 {
		t.Errorf("without the page: %d", code)
	}
}
