package synthetic

// The last words of a kernel, by architecture. They keep the phrases that
// people search for.

var oopsHead = map[string][]string{
	"arm": {
		"8<--- cut here ---", "Unable to handle kernel NULL pointer dereference at virtual address 000000{x2} when read", "[000000{x2}] *pgd=00000000",
		"Internal error: Oops: 5 [#1] SMP ARM", "Hardware name: {model}", "PC is at {culprit}+0x{x2}/0x1{x2}", "LR is at {fn}+0x{x2}/0x2{x2}",
		"pc : [<c0{x6}>]    lr : [<c0{x6}>]    psr: 600000{x2}", "r3 : {x8}  r2 : {x8}  r1 : {x8}  r0 : {x8}",
	},
	"arm64": {
		"Unable to handle kernel NULL pointer dereference at virtual address 00000000000000{x2}", "Mem abort info:", "  ESR = 0x0000000096000004",
		"  EC = 0x25: DABT (current EL), IL = 32 bits", "[00000000000000{x2}] user address but active_mm is swapper", "Internal error: Oops: 0000000096000004 [#1] SMP",
		"Hardware name: {model} (DT)", "pstate: 60000005 (nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)", "pc : {culprit}+0x{x2}/0x1{x2}", "lr : {fn}+0x{x2}/0x2{x2}",
		"sp : ffff8000{x8}", "x29: ffff8000{x8} x28: 0000000000000000 x27: ffff0000{x8}",
	},
	"x86_64": {
		"BUG: kernel NULL pointer dereference, address: 00000000000000{x2}", "#PF: supervisor read access in kernel mode", "#PF: error_code(0x0000) - not-present page",
		"Oops: Oops: 0000 [#1] SMP NOPTI", "Hardware name: {model}, BIOS {n}.{nn} 04/01/2023", "RIP: 0010:{culprit}+0x{x2}/0x1{x2}", "RSP: 0018:ffff8880{x8} EFLAGS: 00010246",
		"RAX: 0000000000000000 RBX: ffff8880{x8} RCX: 00000000{x8}", "CR2: 00000000000000{x2} CR3: 00000000{x8} CR4: 00000000003506f0",
	},
	"riscv": {
		"Unable to handle kernel NULL pointer dereference at virtual address 00000000000000{x2}", "Oops [#1]", "Hardware name: {model} (DT)",
		"epc : {culprit}+0x{x2}/0x1{x2}", " ra : {fn}+0x{x2}/0x2{x2}", "status: 0000000200000120 badaddr: 00000000000000{x2} cause: 000000000000000d",
	},
	"mips": {
		"CPU 0 Unable to handle kernel paging request at virtual address 000000{x2}, epc == 80{x6}, ra == 80{x6}", "Oops[#1]:", "$ 0   : 00000000 {x8} {x8} {x8}",
		"epc   : 80{x6} {culprit}+0x{x2}/0x1{x2}", "ra    : 80{x6} {fn}+0x{x2}/0x2{x2}",
	},
}

func (j *job) oops(c *kernelClock) {
	for _, line := range oopsHead[j.build.target.arch] {
		j.message(c, 1, line)
	}
	j.message(c, 1, "CPU: {n} UID: 0 PID: 1 Comm: swapper/0 Not tainted "+j.rev.release+" #1 PREEMPT")
	j.message(c, 1, "Call trace:")
	for range j.between(8, 14) {
		j.message(c, 1, " {fn}+0x{x2}/0x{x3}")
	}
	j.message(c, 1, "---[ end trace 0000000000000000 ]---")
	j.message(c, 0, "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b")
	j.message(c, 0, "---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b ]---")
}
