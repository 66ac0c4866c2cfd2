//go:build !linux

package train

// machineMemory is not known here.
func machineMemory() int64 { return 0 }

// freeDisk is not known here.
func freeDisk(string) int64 { return -1 }
