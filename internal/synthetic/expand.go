package synthetic

import (
	"strconv"
	"strings"
)

// expand fills a template's braces: {x8} hexadecimal digits, {n} {nn} {nnn}
// {nnnn} {n5} numbers of that many digits, and the names below. What it does
// not know it leaves as it is.
func (j *job) expand(dst []byte, template string) []byte {
	for {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			return append(dst, template...)
		}
		dst = append(dst, template[:open]...)
		end := strings.IndexByte(template[open:], '}')
		if end < 0 {
			return append(dst, template[open:]...)
		}
		dst = j.fill(dst, template[open+1:open+end])
		template = template[open+end+1:]
	}
}

func (j *job) fill(dst []byte, name string) []byte {
	switch name {
	case "n":
		return strconv.AppendInt(dst, int64(j.between(1, 7)), 10)
	case "nn":
		return strconv.AppendInt(dst, int64(j.between(10, 99)), 10)
	case "nnn":
		return strconv.AppendInt(dst, int64(j.between(100, 999)), 10)
	case "nnnn":
		return strconv.AppendInt(dst, int64(j.between(1000, 9999)), 10)
	case "n5":
		return strconv.AppendInt(dst, int64(j.between(10_000, 99_999)), 10)
	case "dev", "dev2":
		dst = append(j.appendHex(dst, 5), "000."...)
		return append(dst, pick(j.random, deviceClasses)...)
	case "class":
		return append(dst, pick(j.random, deviceClasses)...)
	case "drv":
		return append(dst, pick(j.random, driverNames)...)
	case "reg", "reg2":
		return append(dst, pick(j.random, regulators)...)
	case "file":
		return append(dst, pick(j.random, sourceFiles)...)
	case "fn":
		return append(dst, pick(j.random, functions)...)
	}
	if digits, err := strconv.Atoi(strings.TrimPrefix(name, "x")); err == nil && name[0] == 'x' {
		return j.appendHex(dst, digits)
	}
	return j.fillPlace(dst, name)
}

// fillPlace fills in what belongs to the bus, the board or the build.
func (j *job) fillPlace(dst []byte, name string) []byte {
	b := j.site.board
	switch name {
	case "bus":
		return append(j.appendHex(append(dst, "pci 0000:0"...), 1), ":00.0"...)
	case "i2c":
		return j.appendHex(append(dst, "i2c 2-00"...), 2)
	case "eth":
		return append(dst, "eth0"...)
	case "mac":
		dst = append(dst, "02:00"...)
		for range 4 {
			dst = j.appendHex(append(dst, ':'), 2)
		}
		return dst
	case "cpu":
		return append(dst, b.cpu...)
	case "cores":
		return strconv.AppendInt(dst, int64(b.cores), 10)
	case "model":
		return append(dst, b.model...)
	case "console":
		tty, _, _ := strings.Cut(b.console, ",")
		return append(dst, tty...)
	case "clocksource":
		switch b.arch {
		case "x86_64":
			return append(dst, "tsc-early"...)
		case "riscv":
			return append(dst, "riscv_clocksource"...)
		case "mips":
			return append(dst, "MIPS"...)
		}
		return append(dst, "arch_sys_counter"...)
	case "culprit":
		if b.name == regressionBoard {
			return append(dst, regressionFunction...)
		}
		return append(dst, pick(j.random, functions)...)
	case "cmdline":
		return append(dst, "Kernel command line: "+j.commandLine()...)
	case "version":
		return append(dst, "Linux version "+j.rev.release+" (KernelCI@build-"+j.build.oid[8:16]+") ("+
			j.build.target.compilerFull()+
			", GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT"...)
	}
	return append(append(append(dst, '{'), name...), '}')
}

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
