// Package report is what is known of a run and of an evaluation, and how it is told: [Bar] and [Lines] while it
// goes, metrics.csv ([Table]), curves, confusion matrices and worst mistakes as pictures, and the cards beside
// runs and weights. It computes nothing and knows no network; package train fills its types.
//
// # Adding one
//
// Another way to tell of a run is an [Events]: embed [Quiet] and have the methods that it needs. [Tell] joins
// several. A new number is a field of [Metrics] or [Epoch], and a column of [Table].
package report
