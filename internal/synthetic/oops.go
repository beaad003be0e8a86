package synthetic

// warningHead is where WARN() says the processor was.
var warningHead = map[string]string{
	"arm": "PC is at " + warningFunction + "+0x5c/0x1a4", "arm64": "pc : " + warningFunction + "+0x5c/0x1a4",
	"x86_64": "RIP: 0010:" + warningFunction + "+0x5c/0x1a4",
	"riscv":  "epc : " + warningFunction + "+0x5c/0x1a4", "mips": "epc   : 80{x6} " + warningFunction + "+0x5c/0x1a4",
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
	death := max(deathOops, j.rand.below(2*deaths)-deaths)
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
		j.report(c, 1, messages("bug-"+j.build.target.arch))
		j.panics(c, "Fatal exception")
	case deathHung:
		j.report(c, 3, []string{
			"INFO: task kworker/{n}:1:{n2} blocked for more than 120 seconds.", "      Not tainted " + j.rev.release +
				" #1",
			`"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.`,
			"task:kworker/{n}:1     state:D stack:0     pid:{n2}    ppid:2      flags:0x00000008",
		}, "__switch_to", "__schedule", "schedule", "schedule_timeout", "{culprit}")
		j.panics(c, "hung_task: blocked tasks")
	case deathRoot:
		j.message(c, 3, "/dev/root: Can't open blockdev")
		j.panics(c, `VFS: Unable to mount root fs on unknown-block(0,0)`)
	default:
		j.report(c, 1, messages("oops-"+j.build.target.arch))
		j.panics(c, init)
	}
}

// kasan is what a kernel says that checks each access.
func (j *job) kasan(c *kernelClock) {
	j.report(c, 1, []string{
		"==================================================================",
		"BUG: KASAN: slab-use-after-free in {culprit}+0x{x2}/0x1{x2}",
		"Read of size 8 at addr ffff8880{x8} by task swapper/0/1", "Hardware name: {model}, BIOS {n}.{n2} 04/01/2023",
	}, "dump_stack_lvl", "print_report", "kasan_report")
	j.panics(c, "kasan.fault=panic set ...")
}

// warning is a report that a kernel survives: the same one on each board.
func (j *job) warning(c *kernelClock) {
	arch := j.build.target.arch
	j.report(c, 4, []string{
		"------------[ cut here ]------------", "WARNING: CPU: 0 PID: 1 at " + warningFile + ":812 " + warningFunction +
			"+0x5c/0x1a4", "Modules linked in:",
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
	for range j.rand.between(8, 14) {
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
