module example.org/importer

go 1.26.0

require (
	github.com/gorgonia-zoo/gorgonia-zoo v0.0.0
	gorgonia.org/gorgonia v0.9.18
)

replace github.com/gorgonia-zoo/gorgonia-zoo => ../../..
