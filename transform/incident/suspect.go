package incident

import "encoding/binary"

// windows are parts of header lines, each of seven bytes or more: wherever one
// stands in a message, one of its first four words of four bytes lies at a
// multiple of four. So a message is looked at in every fourth place only, once,
// whatever the number of windows. A window needs no more than seven bytes: what
// lies behind them is for the reader.
var windows = [...]string{
	"] BUG: ", "[ BUG: ", ": BUG: ", "kernel BUG at", "Kernel BUG", "Kernel bug detected",
	"WARNING: ", " INFO: ", "UBSAN: ",
	"to handle kernel", "protection fault", "Internal error: ", "Unhandled fault: ", "Alignment trap: ",
	"divide error", "divide_error", "stack segment: ", "invalid opcode: ", "double fault", "int3: 0000",
	"bounds: 0000", "segment not present: ", "alignment check: ", "simd exception: ",
	"] Oops: ", "] Oops - ", "] Oops [", "] Oops[#", ": Oops [#", "in kernel code", "Kernel bad sw trap",
	" ilc:1 [#", " ilc:2 [#", " ilc:3 [#",
	"Kernel panic - not", "ard LOCKUP", "unreferenced object 0x", "suspected memory leaks",
	"Out of memory: Kill", "Out of memory (oom_kill", "unregister_netdevice: waiting", "rust_kernel: panicked",
	" blocked for more", " blocked in I/O wait", "VFS: Busy inodes", "VFS: Close: file", "Object already free", "replaying previous printk",
}

const (
	windowBits = 12
	wordBytes  = 4
)

// words is a hash table without collisions of the windows' words.
var words, wordsFactor = hashWords()

func hashWords() (table *[1 << windowBits]uint32, factor uint32) {
	all := map[uint32]bool{}
	for _, w := range windows {
		for i := range wordBytes {
			all[binary.LittleEndian.Uint32([]byte(w[i:]))] = true
		}
	}
next:
	for factor = 0x9E3779B1; ; factor += 2 {
		table = new([1 << windowBits]uint32)
		for w := range all {
			slot := &table[w*factor>>(32-windowBits)]
			if *slot != 0 {
				continue next
			}
			*slot = w
		}
		return table, factor
	}
}

// Suspect tells whether a message may hold a report's header. It is meant to be
// asked of every line of a log, in the form that JSON has it.
func Suspect(message []byte) bool {
	table, factor := words, wordsFactor // out of the loop: it runs over nearly all bytes
	for len(message) >= 4*wordBytes {
		a, b := binary.LittleEndian.Uint32(message), binary.LittleEndian.Uint32(message[4:])
		c, d := binary.LittleEndian.Uint32(message[8:]), binary.LittleEndian.Uint32(message[12:])
		const shift = 32 - windowBits
		if table[a*factor>>shift] == a || table[b*factor>>shift] == b || table[c*factor>>shift] == c || table[d*factor>>shift] == d {
			return true
		}
		message = message[4*wordBytes:]
	}
	for ; len(message) >= wordBytes; message = message[wordBytes:] {
		if w := binary.LittleEndian.Uint32(message); table[w*factor>>(32-windowBits)] == w {
			return true
		}
	}
	return false
}
