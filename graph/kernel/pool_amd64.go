//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./pool -out ../pool_amd64.s -stubs ../pool_stub_amd64.go -pkg kernel
