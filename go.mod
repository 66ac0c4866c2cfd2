module github.com/gorgonia-zoo/gorgonia-zoo

go 1.26
