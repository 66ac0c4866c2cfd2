package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func TestACommandTellsNoFoldersOfTheMachine(t *testing.T) {
	for command, want := range map[string]string{
		"zoo train lenet5 --data cifar-10=/home/me/cifar --seed 2":                      "zoo train lenet5 --data cifar-10=FOLDER --seed 2",
		"zoo train lenet5 --data 'folder=/my photos/all' --init /tmp/start.safetensors": "zoo train lenet5 --data folder=FOLDER --init FILE.safetensors",
		"zoo go train --data '/my games/2016.zip' --data more --k 8":                    "zoo go train --data FILE.zip --data more --k 8",
		"zoo train lenet5 --augment 'crop(4), flip' --set momentum=0.5":                 "zoo train lenet5 --augment 'crop(4), flip' --set momentum=0.5",
	} {
		run := t.TempDir()
		text := []byte(`{"command": "` + command + `"}`)
		if err := os.WriteFile(filepath.Join(run, report.EnvFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := runCommand(run); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", command, got, want)
		}
		if got := runCommand(filepath.Join(run, "m1")); got != want {
			t.Errorf("of a member: %s", got)
		}
	}
}
