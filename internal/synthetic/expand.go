package synthetic

import (
	"regexp"
	"strconv"
	"strings"
)

var placeholder = regexp.MustCompile(`\{\w+\}`)

// expand fills a template's braces: {x8} hexadecimal digits, {n3} a number of
// three digits, {n} one of few, and the names of fillings. What it does not know
// it leaves as it is.
func (j *job) expand(template string) string {
	return placeholder.ReplaceAllStringFunc(template, func(braces string) string {
		name := braces[1 : len(braces)-1]
		if fill := fillings[name]; fill != nil {
			return fill(j)
		}
		digits, err := strconv.Atoi(name[1:])
		switch {
		case name == "n":
			return strconv.Itoa(j.rand.between(1, 7))
		case err == nil && name[0] == 'x':
			return j.rand.hex(digits)
		case err == nil && name[0] == 'n':
			least := 1
			for range digits - 1 {
				least *= 10
			}
			return strconv.Itoa(j.rand.between(least, 10*least-1))
		}
		return braces
	})
}

// fillings are what a name stands for: what drivers are called, or a fact of the
// bus, the board or the build.
var fillings = map[string]func(*job) string{
	"dev":   func(j *job) string { return j.rand.hex(5) + "000." + pick(j.rand, deviceClasses) },
	"class": func(j *job) string { return pick(j.rand, deviceClasses) },
	"drv":   func(j *job) string { return pick(j.rand, driverNames) },
	"reg":   func(j *job) string { return pick(j.rand, regulators) },
	"file":  func(j *job) string { return pick(j.rand, sourceFiles) },
	"fn":    func(j *job) string { return pick(j.rand, functions) },
	"bus":   func(j *job) string { return "pci 0000:0" + j.rand.hex(1) + ":00.0" },
	"i2c":   func(j *job) string { return "i2c 2-00" + j.rand.hex(2) },
	"mac": func(j *job) string {
		return "02:00:" + j.rand.hex(2) + ":" + j.rand.hex(2) + ":" + j.rand.hex(2) + ":" + j.rand.hex(2)
	},
	"cpu":     func(j *job) string { return j.site.board.cpu },
	"cores":   func(j *job) string { return strconv.Itoa(j.site.board.cores) },
	"model":   func(j *job) string { return j.site.board.model },
	"cmdline": func(j *job) string { return "Kernel command line: " + j.commandLine() },
	"console": func(j *job) string { return strings.Split(j.site.board.console, ",")[0] },
	"clocksource": func(j *job) string {
		if source := clockSources[j.site.board.arch]; source != "" {
			return source
		}
		return "arch_sys_counter"
	},
	"culprit": func(j *job) string {
		if j.site.board.name == regressionBoard {
			return regressionFunction
		}
		return pick(j.rand, functions)
	},
	"version": func(j *job) string {
		return "Linux version " + j.rev.release + " (KernelCI@build-" + j.build.oid[8:16] + ") (" +
			j.build.target.compilerFull() + ", GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT"
	},
}

var clockSources = map[string]string{"x86_64": "tsc-early", "riscv": "riscv_clocksource", "mips": "MIPS"}

func (j *job) commandLine() string {
	line := "console=" + j.site.board.console + " root=/dev/ram0 console_msg_format=syslog earlycon"
	switch {
	case j.overNFS():
		line = "console=" + j.site.board.console + " root=/dev/nfs rw nfsroot=192.168.10.2:" +
			j.tmp("extract-nfsrootfs-"+j.scratch) + ",tcp,hard,v3 ip=dhcp"
	case j.site.board.method == methodUboot:
		line = "console=" + j.site.board.console + " root=/dev/ram0 ip=dhcp debug"
	}
	return line
}
