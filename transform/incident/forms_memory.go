package incident

// What the sanitizers and the page tables find: bad accesses.

var (
	// Freeing is where a double free is seen, not where it is made.
	freeing = patterns(`^slab_ kfree vunmap vfree`)
	// Entry code of arm64 is between the access and its report with tags in hardware.
	faultEntry = patterns(`kernel_fault tag_check mem_abort ^el1_ ^el1h_`)
	// Buffers are made and ciphers run for others.
	buffers = patterns(`alloc_skb netlink_ack netlink_rcv_skb _encrypt$ ^{crypto,cipher,drbg,rng}_`)
	usbURB  = patterns(`usb_submit_urb usb_start_wait_urb usb_bulk_msg usb_interrupt_msg usb_control_msg`)
)

var sanitizerForms = table{locate: inHeader, forms: []form{
	{kind: KASAN, has: "G: KASAN",
		re:    rx(`BUG: KASAN: (?:double-free or invalid-free|double-free|invalid-free)(?: in (?<f>\w+))?`),
		title: "KASAN: invalid-free in {F}", innocent: freeing},
	{kind: KASAN, has: "G: KASAN", re: rx(`BUG: KASAN: ([a-z-]+) in (?<f>\w+)[.+]`), title: "KASAN: {1}{access} in {F}",
		innocent: faultEntry},
	{kind: KASAN, has: "G: KASAN", re: rx(`BUG: KASAN: ([a-z-]+)`), title: "KASAN: {1}{access}"},
	{kind: KMSAN, has: "G: KMSAN", re: rx(`BUG: KMSAN: (kernel-usb-infoleak)(?: in (?<f>\w+))?`),
		title: "KMSAN: {1} in {F}", locate: firstFrame,
		innocent: patterns(`alloc_skb usb_submit_urb usb_start_wait_urb usb_bulk_msg
			usb_interrupt_msg usb_control_msg`)},
	{kind: KMSAN, has: "G: KMSAN", re: rx(`BUG: KMSAN: ([a-z-]+)(?: in (?<f>\w+))?`), title: "KMSAN: {1} in {F}",
		locate: firstFrame, innocent: buffers},
	{kind: KCSAN, has: "G: KCSAN", re: rx(`BUG: KCSAN: (.*)`), title: "KCSAN: {1}"},
	{kind: KFENCE, has: "G: KFENCE", re: rx(`BUG: KFENCE: ([a-z -]+?) in (?<f>\w+)`), title: "KFENCE: {1} in {F}",
		locate: inKFENCE, traced: true},
}}

var oopsForms = table{kind: Oops, locate: atRegisters, forms: []form{
	{has: "ndle kernel|ndle page",
		re: rx(`BUG: (?:[Uu]nable to handle kernel paging request|unable to handle page fault for address|` +
			`Unable to handle kernel (?:data access|instruction fetch))`),
		title: "BUG: unable to handle kernel paging request in {F}"},
	{has: "NULL pointer deref", re: rx(`BUG: (?:[Uu]nable to handle kernel|[Kk]ernel) NULL pointer dereference`),
		title: "BUG: unable to handle kernel NULL pointer dereference in {F}"},
	{has: "ndle kernel",
		re: rx(`Unable to handle kernel (paging request|NULL pointer dereference|access to user memory|` +
			`[a-z -]*?(?:memory|dereference))`),
		title: "BUG: unable to handle kernel {1} in {F}"},
	{has: "ndle kernel", re: rx(`BUG: [Uu]nable to handle kernel`), title: "BUG: unable to handle kernel"},
}}

// otherTraps are windows of what die() says on different architectures.
const otherTraps = "] Oops: |] Oops - |Oops [#|Oops[#1|Oops[#2|Oops[#3|l code[#|access[#|erflow[#|ontext![#|" +
	"simd exception: |fpu exception: | double fault|d sw trap|ilc:1 [#|ilc:2 [#|ilc:3 [#|" +
	"[#1] SMP|[#1] PREEMPT|[#2] SMP|[#2] PREEMPT|[#3] SMP|[#3] PREEMPT"

// Traps of the processor. The text differs by architecture, the "[#1]" of die()
// is everywhere.
var trapForms = table{kind: Oops, locate: atRegisters, forms: []form{
	{has: "eral protection", re: rx(`general protection fault.*: [0-9a-f]+ \[#\d+\]`),
		title: "general protection fault in {F}"},
	{has: "k segment: ", re: rx(`stack segment: .*\[#\d+\]`), title: "stack segment fault in {F}"},
	{has: "vide error|ide_error", re: rx(`divide[_ ]error: .*\[#\d+\]`), title: "divide error in {F}"},
	{has: " double fault", re: rx(`PANIC: double fault`), title: "PANIC: double fault in {F}"},
	{has: "int3: 0", re: rx(`(?:^|Oops: )int3: `), title: "int3 in {F}"},
	{kind: UBSAN, has: "UBSAN: ", re: rx(`UBSAN: Undefined behaviour in`), title: "UBSAN: undefined-behaviour in {F}",
		locate: inTrace, innocent: patterns(`ubsan overflow`), traced: true},
	{kind: UBSAN, has: "UBSAN: ", re: rx(`UBSAN: ([a-z][a-z -]*?) in `), title: "UBSAN: {1} in {F}", locate: inTrace,
		innocent: patterns(`ubsan overflow`), traced: true},
	{has: "al error: ", re: rx(`Internal error: .*\[#\d+\]`), title: "Internal error in {F}", detail: true},
	{has: "Unhandled fault:", re: rx(`Unhandled fault: `), title: "Unhandled fault in {F}", ifKernels: true},
	{has: " trap: ", re: rx(`Alignment trap: `), title: "Alignment trap in {F}", ifKernels: true},
	{has: "d opcode: ", re: rx(`invalid opcode: .*\[#\d+\]`), title: "invalid opcode in {F}", detail: true},
	{has: "el BUG [#|el BUG[#|el bug detected", re: rx(`Kernel (?:bug detected|BUG) ?\[#\d+\]`),
		title: "kernel BUG in {F}", detail: true},
	{has: otherTraps, re: rx(`([A-Za-z](?:[\w (),-]*[\w)])?)!?[ ,-]*(?:: [0-9a-fx]+)?(?: ilc:\d)? ?\[#\d+\]`),
		title: "{1} in {F}", detail: true},
}}
