package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Two hosts are two network namespaces with a cable between them. Each has one address and one rank.
var hostAddresses = [2]string{"10.99.0.1", "10.99.0.2"}

const hostNetwork = "10.99.0.0/24"

// pairsOfHosts counts them, for names of their own.
var pairsOfHosts atomic.Int32

// newHosts is newMPIRun for ranks on two hosts that talk over TCP. Where namespaces cannot be made it skips the
// test; with ZOO_HOSTS=1, which says that they can, it fails.
func newHosts(t *testing.T, launcher string) *mpirun {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("ZOO_HOSTS") != "" {
		skip = t.Fatalf
	}
	if os.Geteuid() != 0 {
		skip("network namespaces need root")
	}
	path, err := exec.LookPath(launcher)
	if err != nil {
		skip("%s is not installed", launcher)
	}
	ip := func(args string) error {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
		return nil
	}
	m := newMPIRun(t)
	pair := pairsOfHosts.Add(1)
	name := func(i int) string { return fmt.Sprintf("zoo-%d-%d-%d", os.Getpid(), pair, i) }
	for i := range hostAddresses {
		if err := ip("netns add " + name(i)); err != nil {
			skip("no network namespaces: %v", err)
		}
		t.Cleanup(func() { ip("netns del " + name(i)) })
		m.hosts = append(m.hosts, name(i))
	}
	commands := []string{fmt.Sprintf("link add cable netns %s type veth peer name cable netns %s", name(0), name(1))}
	for i, address := range hostAddresses {
		commands = append(commands, fmt.Sprintf("-n %s addr add %s/24 dev cable", name(i), address),
			fmt.Sprintf("-n %s link set lo up", name(i)), fmt.Sprintf("-n %s link set cable up", name(i)))
	}
	for _, c := range commands {
		if err := ip(c); err != nil {
			t.Fatal(err)
		}
	}
	// What launchers use in place of ssh.
	agent := filepath.Join(m.dir, "agent")
	script := fmt.Sprintf("#!/bin/sh\nhost=$1\nshift\ncase $host in\n%s) host=%s;;\n%s) host=%s;;\nesac\nexec ip netns exec $host sh -c \"$*\"\n",
		hostAddresses[0], name(0), hostAddresses[1], name(1))
	if err := os.WriteFile(agent, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	list := hostAddresses[0] + ":1," + hostAddresses[1] + ":1"
	m.launcher = append([]string{"ip", "netns", "exec", name(0), path}, strings.Fields(map[string]string{
		"mpirun.openmpi": "--allow-run-as-root --mca plm_rsh_agent " + agent + " --mca pml ob1 --mca btl tcp,self" +
			" --mca btl_tcp_if_include " + hostNetwork + " --mca oob_tcp_if_include " + hostNetwork +
			// A host that is gone is noticed after eleven seconds, not after eight minutes.
			" --mca oob_tcp_keepalive_time 5 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3 -H " + list,
		"mpiexec.mpich": "-launcher rsh -launcher-exec " + agent + " -hosts " + list + " -genv UCX_TLS tcp,self",
	}[launcher])...)
	return m
}

// sent is the number of bytes that a host has sent through the cable.
func (m *mpirun) sent(t *testing.T, host int) int {
	t.Helper()
	out, err := exec.Command("ip", "netns", "exec", m.hosts[host], "cat", "/sys/class/net/cable/statistics/tx_bytes").Output()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cable plugs the cable in, or pulls it out, at the second host.
func (m *mpirun) cable(t *testing.T, state string) {
	t.Helper()
	if out, err := exec.Command("ip", "-n", m.hosts[1], "link", "set", "cable", state).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// Ranks on two hosts train, evaluate and predict as one process does. ZOO_LONG=1 tries MPICH, too.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	launchers := []string{"mpirun.openmpi"}
	if os.Getenv("ZOO_LONG") != "" {
		launchers = append(launchers, "mpiexec.mpich")
	}
	for _, launcher := range launchers {
		t.Run(launcher, func(t *testing.T) {
			m := newHosts(t, launcher)
			const steps, gradients = 2 * 20, 4 * 61706
			const train = "train lenet5 --limit 1000 --threads 1 --batch 50 --epochs 2 --set shares=4 --out "
			m.run(t, 0, train+"one")
			before := m.sent(t, 0)
			m.run(t, 2, train+"two")
			if sent := m.sent(t, 0) - before; sent < steps*gradients {
				t.Errorf("%d bytes went through the cable, where %d steps have gradients of %d", sent, steps, gradients)
			}
			if string(m.file(t, "one/weights/last.safetensors")) != string(m.file(t, "two/weights/last.safetensors")) {
				t.Error("two hosts give other weights than one process")
			}
			if one, two := m.run(t, 0, "eval one --threads 1 --json --worst 3"), m.run(t, 2, "eval one --threads 1 --json --worst 3"); one != two {
				t.Errorf("one process: %s\ntwo hosts: %s", one, two)
			}
		})
	}
}
