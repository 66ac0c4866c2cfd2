package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// join makes this process a rank of the group that mpirun or srun has started it in, if one has. Rank 0
// alone talks.
func (a *app) join(ctx context.Context, verb string) error {
	c, err := cluster.Join(ctx)
	if err != nil {
		return err
	}
	return a.enter(c, verb)
}

// enter makes this process a rank of a group whose ranks are to be the same program with the same verb.
func (a *app) enter(c cluster.Comm, verb string) error {
	a.group = c
	if c.Size() == 1 {
		return nil
	}
	if c.Rank() > 0 {
		a.stdout, a.stderr, a.screen = io.Discard, io.Discard, io.Discard
	}
	sum, err := programSum()
	if err := cluster.Agree(c, cluster.Preparing, err); err != nil {
		return err
	}
	if err := cluster.Same(c, "the program's file", sum); err != nil {
		return err
	}
	return cluster.Same(c, "the command", verb)
}

// programSum is the beginning of the SHA-256 of the program's file.
func programSum() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}

// ranks is the group, or this process alone.
func (a *app) ranks() cluster.Comm {
	if a.group == nil {
		return cluster.Alone()
	}
	return a.group
}

// leave ends the group as the verb has ended. It says whether the error is this rank's to tell: of one that
// all ranks have, the rank where it happened; of a rank that is lost, the first that is left, but not the one that the
// others take for lost.
func (a *app) leave(err error) (tell bool, after func()) {
	nothing := func() {}
	if a.group == nil || a.group.Size() == 1 {
		return true, nothing
	}
	var other *cluster.Elsewhere
	var all *cluster.Everywhere
	var saved *train.Interrupted
	if errors.As(err, &saved) { // so have all ranks, if they are there
		if lost := a.group.Barrier(); errors.Is(lost, cluster.ErrForgotten) {
			err = lost
		}
	}
	switch {
	case errors.Is(err, cluster.ErrForgotten):
		return false, func() { a.group.Abort(err) }
	case err == nil, errors.Is(err, context.Canceled), errors.As(err, &all):
		return a.group.Rank() == 0, func() { a.group.Close() }
	case errors.As(err, &other):
		// That rank tells it and ends all: the launcher would do it at the first end of a rank.
		return false, func() { time.Sleep(3 * time.Second) }
	case errors.Is(err, cluster.ErrLost) && a.group.Rank() > 0:
		// Rank 0 tells it and ends all, unless it is rank 0 that is lost: then the next one does.
		time.Sleep(min(time.Duration(1+a.group.Rank()), 5) * time.Second)
	}
	return true, func() { a.group.Abort(err) }
}

// where names the rank of an error, where there are several.
func (a *app) where(err error) string {
	text := report.Words(err)
	if a.group == nil || a.group.Rank() == 0 {
		return text
	}
	return fmt.Sprintf("rank %d: %s", a.group.Rank(), text)
}

// onFirst calls f on rank 0 and gives its answer to all ranks.
func onFirst(c cluster.Comm, f func() (string, error)) (string, error) {
	if c.Size() == 1 {
		return f()
	}
	answer, err := "", error(nil)
	if c.Rank() == 0 {
		answer, err = f()
	}
	if err := cluster.Agree(c, cluster.Preparing, err); err != nil {
		return "", err
	}
	all, err := c.Gather([]byte(answer))
	if err != nil {
		return "", err
	}
	return string(all[0]), nil
}

// byMember brings the results of all ranks together, member by member.
func byMember(c cluster.Comm, members int, own map[int]report.Result) ([]report.Result, error) {
	text, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	if err := c.Wait(cluster.Forever); err != nil { // one may have more members, or slower ones
		return nil, err
	}
	all, err := c.Gather(text)
	if err != nil {
		return nil, err
	}
	list := make([]report.Result, 0, members)
	for i := 1; i <= members; i++ {
		for _, text := range all {
			var of map[int]report.Result
			if err := json.Unmarshal(text, &of); err != nil {
				return nil, err
			}
			if r, ok := of[i]; ok {
				list = append(list, r)
				break
			}
		}
	}
	return list, nil
}
