package graph

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// differentiate makes the gradients of a scalar cost in all nodes that lie between it and wrt, from the last to
// the first. one is the gradient of the cost itself. The nodes are those of a translated graph.
func differentiate(cost, one *gorgonia.Node, wrt []*gorgonia.Node) (grads map[*gorgonia.Node]*gorgonia.Node, err error) {
	defer recoverAs(&err, "differentiate")
	nodes := sorted([]*gorgonia.Node{cost})
	active := map[*gorgonia.Node]bool{}
	for _, n := range wrt {
		active[n] = true
	}
	for _, n := range nodes {
		for i, child := range childrenOf(n) {
			active[n] = active[n] || active[child] && differentiableIn(n, i)
		}
	}
	parts := map[*gorgonia.Node][]*gorgonia.Node{cost: {one}}
	grads = map[*gorgonia.Node]*gorgonia.Node{}
	for _, n := range slices.Backward(nodes) {
		if !active[n] || len(parts[n]) == 0 {
			continue
		}
		grad, err := gorgonia.ReduceAdd(parts[n])
		if err != nil {
			return nil, fmt.Errorf("the sum of the gradients of %v: %w", n, err)
		}
		grads[n] = grad
		if n.Op() == nil {
			continue
		}
		children := childrenOf(n)
		of, err := n.Op().(gorgonia.SDOp).SymDiff(slices.Clone(children), n, grad)
		if err != nil {
			return nil, err
		}
		for i, child := range children {
			if i >= len(of) || of[i] == nil || !active[child] || !differentiableIn(n, i) {
				continue
			}
			d := deriver{of: &core{name: "gradient"}}
			part := d.reshape(of[i], child.Shape())
			if d.err != nil {
				return nil, d.err
			}
			parts[child] = append(parts[child], part)
		}
	}
	return grads, nil
}

func differentiableIn(n *gorgonia.Node, i int) bool {
	o, ok := n.Op().(gorgonia.SDOp)
	if !ok {
		return false
	}
	wrt := o.DiffWRT(len(childrenOf(n)))
	return i < len(wrt) && wrt[i]
}

// sorted lists what the roots need, children before parents.
func sorted(roots []*gorgonia.Node) []*gorgonia.Node {
	var list []*gorgonia.Node
	done := map[*gorgonia.Node]bool{}
	var visit func(n *gorgonia.Node)
	visit = func(n *gorgonia.Node) {
		if done[n] {
			return
		}
		done[n] = true
		for _, child := range childrenOf(n) {
			visit(child)
		}
		list = append(list, n)
	}
	for _, n := range roots {
		visit(n)
	}
	return list
}
