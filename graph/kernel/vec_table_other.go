//go:build !amd64 || noasm

package kernel

var vecTables = [...]vecTable{Portable: vecPortable}
