package datasets

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
)

// mend writes the right checksums into an index, as far as it can be told where they are.
func mend(file []byte) {
	if len(file) < indexTail {
		return
	}
	tail := file[len(file)-indexTail:]
	n := binary.LittleEndian.Uint64(tail[4:])
	if n > uint64(len(file)-indexTail) {
		return
	}
	end := len(file) - indexTail - int(n)
	data := file[end : len(file)-indexTail]
	binary.LittleEndian.PutUint32(tail, crc32.Checksum(data, castagnoli))
	var head indexHead
	if json.Unmarshal(data, &head) != nil {
		return
	}
	for i := 1; i < len(head.Blocks); i++ {
		if from, to := head.Blocks[i-1], head.Blocks[i]; from >= 0 && to <= int64(end) && to-from > 4 {
			binary.LittleEndian.PutUint32(file[from:], crc32.Checksum(file[from+4:to], castagnoli))
		}
	}
}
