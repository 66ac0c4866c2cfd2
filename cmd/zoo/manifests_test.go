package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the files for clusters say to zoo is what it understands: the container's entry point and the manifests'
// arguments parse, together, and the probes' paths answer.
func TestManifestsSayWhatTheCommandUnderstands(t *testing.T) {
	folder := "../../.docs/k8s"
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var entry []string
	if err := json.Unmarshal([]byte(regexp.MustCompile(`(?m)^ENTRYPOINT (.*)$`).FindStringSubmatch(read("Containerfile"))[1]), &entry); err != nil {
		t.Fatal(err)
	}
	manifest := read("deployment.yaml")
	found := regexp.MustCompile(`args: \[([^\]]*)\]`).FindAllStringSubmatch(manifest, -1)
	if len(found) != 2 {
		t.Fatalf("%d lists of arguments", len(found))
	}
	for _, m := range found {
		args := entry[1:]
		for a := range strings.SplitSeq(m[1], ",") {
			args = append(args, strings.TrimSpace(a))
		}
		root := newRoot(&app{stdout: io.Discard, stderr: io.Discard})
		verb, rest, err := root.Find(args)
		if err != nil || verb.Name() != "serve" {
			t.Fatalf("%q: %v", args, err)
		}
		if err := verb.ParseFlags(rest); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if models := verb.Flags().Args(); len(models) != 1 || !strings.HasPrefix(models[0], "cats=/") {
			t.Errorf("%q serves %q", args, models)
		}
		if addr := verb.Flag("addr").Value.String(); addr != ":8080" {
			t.Errorf("it listens at %s, and the ports are 8080", addr)
		}
	}
	s := startServe(t, "--token", "s3cret", "lenet5-fashion-mnist") // probes bring none
	probes := regexp.MustCompile(`Probe: \{ httpGet: \{ path: (\S+), port: 8080 \} \}`).FindAllStringSubmatch(manifest, -1)
	if len(probes) != 2 {
		t.Fatalf("%d probes", len(probes))
	}
	for _, p := range probes {
		if code, _, body := get(t, s.url+p[1]); code != 200 {
			t.Errorf("%s: %d %s", p[1], code, body)
		}
	}
}
