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

// bugHead is BUG(): the same first line everywhere, then how the processor traps.
var bugHead = map[string][]string{
	"arm":    {"------------[ cut here ]------------", "kernel BUG at {file}:{nnn}!", "Internal error: Oops - BUG: 0 [#1] SMP ARM", "PC is at {culprit}+0x{x2}/0x1{x2}", "LR is at {fn}+0x{x2}/0x2{x2}"},
	"arm64":  {"------------[ cut here ]------------", "kernel BUG at {file}:{nnn}!", "Internal error: Oops - BUG: 00000000f2000800 [#1] SMP", "pc : {culprit}+0x{x2}/0x1{x2}", "lr : {fn}+0x{x2}/0x2{x2}"},
	"x86_64": {"------------[ cut here ]------------", "kernel BUG at {file}:{nnn}!", "Oops: invalid opcode: 0000 [#1] SMP NOPTI", "RIP: 0010:{culprit}+0x{x2}/0x1{x2}"},
	"riscv":  {"------------[ cut here ]------------", "kernel BUG at {file}:{nnn}!", "Kernel BUG [#1]", "epc : {culprit}+0x{x2}/0x1{x2}", " ra : {fn}+0x{x2}/0x2{x2}"},
	"mips":   {"Kernel bug detected[#1]:", "epc   : 80{x6} {culprit}+0x{x2}/0x1{x2}", "ra    : 80{x6} {fn}+0x{x2}/0x2{x2}"},
}

// warningHead is where WARN() says the processor was.
var warningHead = map[string]string{
	"arm": "PC is at " + warningFunction + "+0x5c/0x1a4", "arm64": "pc : " + warningFunction + "+0x5c/0x1a4", "x86_64": "RIP: 0010:" + warningFunction + "+0x5c/0x1a4",
	"riscv": "epc : " + warningFunction + "+0x5c/0x1a4", "mips": "epc   : 80{x6} " + warningFunction + "+0x5c/0x1a4",
}

// The ways in which a kernel dies.
const (
	deathOops = iota // of a bad pointer
	deathBug         // of BUG()
	deathHung        // a task waits for ever
	deathRoot        // no root file system
	deaths
)

// oops ends the kernel. The regression's is a bad pointer on each board, and so
// are most others.
func (j *job) oops(c *kernelClock) {
	death := max(deathOops, j.below(2*deaths)-deaths)
	switch {
	case j.isRegression():
		death = deathOops
	case j.build.target.extras == "CONFIG_KASAN=y":
		j.kasan(c)
		return
	}
	const init = "Attempted to kill init! exitcode=0x0000000b"
	switch death {
	case deathBug:
		j.report(c, 1, bugHead[j.build.target.arch])
		j.panics(c, "Fatal exception")
	case deathHung:
		j.report(c, 3, []string{
			"INFO: task kworker/{n}:1:{nn} blocked for more than 120 seconds.", "      Not tainted " + j.rev.release + " #1",
			`"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.`, "task:kworker/{n}:1     state:D stack:0     pid:{nn}    ppid:2      flags:0x00000008",
		}, "__switch_to", "__schedule", "schedule", "schedule_timeout", "{culprit}")
		j.panics(c, "hung_task: blocked tasks")
	case deathRoot:
		j.message(c, 3, "/dev/root: Can't open blockdev")
		j.panics(c, `VFS: Unable to mount root fs on unknown-block(0,0)`)
	default:
		j.report(c, 1, oopsHead[j.build.target.arch])
		j.panics(c, init)
	}
}

// kasan is what a kernel says that checks each access.
func (j *job) kasan(c *kernelClock) {
	j.report(c, 1, []string{
		"==================================================================", "BUG: KASAN: slab-use-after-free in {culprit}+0x{x2}/0x1{x2}",
		"Read of size 8 at addr ffff8880{x8} by task swapper/0/1", "Hardware name: {model}, BIOS {n}.{nn} 04/01/2023",
	}, "dump_stack_lvl", "print_report", "kasan_report")
	j.panics(c, "kasan.fault=panic set ...")
}

// warning is a report that a kernel survives: the same one on each board.
func (j *job) warning(c *kernelClock) {
	arch := j.build.target.arch
	j.report(c, 4, []string{
		"------------[ cut here ]------------", "WARNING: CPU: 0 PID: 1 at " + warningFile + ":812 " + warningFunction + "+0x5c/0x1a4", "Modules linked in:",
		warningHead[arch],
	}, warningFunction)
}

// warningLines is how long warning is, at most.
const warningLines = 22

// report writes a report: its head, who ran, the trace, its end.
func (j *job) report(c *kernelClock, level int, head []string, top ...string) {
	for _, line := range head {
		j.message(c, level, line)
	}
	j.message(c, level, "CPU: {n} UID: 0 PID: 1 Comm: swapper/0 Not tainted "+j.rev.release+" #1 PREEMPT")
	j.message(c, level, "Call trace:")
	before, after := " ", ""
	switch j.build.target.arch {
	case "x86_64":
		j.message(c, level, " <TASK>")
	case "riscv":
		before = "[<ffffffff80{x6}>] "
	case "mips":
		before = "[<80{x6}>] "
	case "arm":
		after = " from {fn}+0x{x2}/0x{x3}"
	}
	for _, f := range top {
		j.message(c, level, before+f+"+0x{x2}/0x{x3}")
	}
	for range j.between(8, 14) {
		if after != "" {
			j.message(c, level, " {fn}"+after)
			continue
		}
		j.message(c, level, before+"{fn}+0x{x2}/0x{x3}")
	}
	if j.build.target.arch == "x86_64" {
		j.message(c, level, " </TASK>")
	}
	j.message(c, level, "---[ end trace 0000000000000000 ]---")
}

func (j *job) panics(c *kernelClock, why string) {
	j.message(c, 0, "Kernel panic - not syncing: "+why)
	j.message(c, 0, "---[ end Kernel panic - not syncing: "+why+" ]---")
}
