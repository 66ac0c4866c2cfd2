//go:build !amd64 || noasm

package simd

var tables = [...]*Table{Generic: &tableGeneric}
