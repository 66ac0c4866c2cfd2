package kernel

// vectors returns the vector kernels of the current family.
func vectors() *vecTable { return &vecTables[family] }
