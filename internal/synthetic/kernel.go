package synthetic

import (
	"fmt"
	"slices"
	"strings"
)

// kernelClock is the time the kernel prints before its messages.
type kernelClock struct {
	uptime int64 // microseconds
	step   int64 // mean distance of two lines
	syslog bool  // console_msg_format=syslog: the level stands before the time
}

// loginTimeout is the time LAVA waits for a login prompt.
const loginTimeout = 290 * second

// message logs one line of the kernel.
func (j *job) message(c *kernelClock, level int, template string) {
	if c.uptime > 0 {
		pause := c.step/5 + int64(j.rand.below(int(c.step)*8/5+1))
		c.uptime += pause
		j.log.wait(pause)
	}
	stamp := fmt.Sprintf("[%5d.%06d] ", c.uptime/second, c.uptime%second)
	if c.syslog {
		stamp = fmt.Sprintf("<%d>%s", level, stamp)
	}
	j.log.say("target", stamp+j.expand(template))
}

// bootKernel boots from the loader to the login. It gives false when there is
// no login.
func (j *job) bootKernel() bool {
	l := j.log
	name, login := "uboot-action", j.site.lab.loginCases
	switch j.site.board.method {
	case methodGrub:
		name = "grub-main-action"
	case methodQemu:
		name = "boot-image-retry"
	}
	j.start("2", name, 300)
	j.bootloader()
	j.start("2.4.4", "auto-login-action", 290)
	l.info("Parsing kernel messages")
	l.structure("debug", []string{"Kernel panic - (.*)", "Internal error: (.*)\\r\\n", "^[^\\n]*Oops(.*)$", "/ #",
		"login refused"})
	l.debug("[auto-login-action] Waiting for messages, (timeout 00:04:50)")

	clock := &kernelClock{syslog: j.site.board.method == methodQemu}
	began := l.now
	j.kernelMessages(clock)
	switch j.outcome {
	case outcomeOops:
		j.oops(clock)
		l.waitUntil(began + loginTimeout)
		return j.noLogin(name, login, "auto-login-action timed out after 290 seconds: the kernel did not survive "+
			"its boot")
	case outcomeNoLogin:
		j.silence()
		l.waitUntil(began + loginTimeout)
		return j.noLogin(name, login, "login-action timed out after 288 seconds")
	}
	l.target("Starting syslogd: OK")
	if j.real {
		j.spinner()
	}
	l.waitUntil(began + int64(j.bootCenti)*10_000)
	l.target("/ # ")
	l.debug("Matched prompt #3: /")
	j.action("2.4.4", "kernel-messages", j.bootCenti-j.bootCenti/9, "pass", object{"extra": []string{}})
	for i, c := range login {
		level := "2.4.4"
		if c == "login-action" {
			level = "2.4.4.1"
		}
		j.action(level, c, j.bootCenti+(i-len(login)+1)*j.rand.below(30), "pass", object{"success": "/ #"})
	}
	j.end("2", name, j.bootCenti/100)
	return true
}

func (j *job) noLogin(name string, login []string, message string) bool {
	var actions [][2]string
	for _, c := range login {
		actions = append(actions, [2]string{"2.4.4", c})
	}
	j.fail("Job", message, 29_000, append(actions, [2]string{"2", name})...)
	return false
}

// kernelMessages writes as many lines as the log still needs.
func (j *job) kernelMessages(c *kernelClock) {
	early, common, late := messages("early-"+j.build.target.arch), messages("common"), messages("late")
	all := slices.Concat(early, common, late)
	fixed := len(all)
	wanted := max(j.lines-j.log.lines-j.linesAfterBoot(), 34)
	if j.warns() {
		wanted = max(wanted-warningLines, 34)
	}
	total := int64(j.bootCenti) * 10_000 * 70 / 100
	c.step = max(total/int64(wanted), 40)
	// Driver messages fill up a long log; a short one keeps every so many of
	// the fixed messages, and always the first two and the last.
	drivers, kept := max(wanted-fixed, 0), 0
	for i := range fixed {
		last := i == fixed-1
		due := (i+1)*min(wanted, fixed)/fixed > kept
		if due || i < 2 || last {
			kept++
			j.fixedMessage(c, all, i, len(early)/2)
		}
		if i >= len(early)+20 && i < fixed-len(late) {
			// Spread the drivers over the second half of the fixed part.
			slots := len(common) - 20
			at := i - len(early) - 20
			for range drivers*(at+1)/slots - drivers*at/slots {
				j.message(c, j.level(), pick(j.rand, messages("driver")))
			}
		}
		if j.warns() && i == fixed-len(late)-1 {
			j.warning(c)
		}
		if j.outcome == outcomeOops && i == fixed-len(late) {
			return
		}
	}
}

// fixedMessage logs the i-th of all; the first clockless come before the kernel's clock runs.
func (j *job) fixedMessage(c *kernelClock, all []string, i, clockless int) {
	if c.uptime == 0 && i >= clockless {
		c.uptime = int64(j.rand.between(3, 90)) // timekeeping has started
	}
	j.message(c, 6, all[i])
}

// level is that of a driver's message: mostly info, sometimes worse.
func (j *job) level() int {
	if j.rand.chance(80) {
		return j.rand.between(3, 4)
	}
	return j.rand.between(5, 7)
}

// linesAfterBoot estimates how much follows the kernel's messages.
func (j *job) linesAfterBoot() int {
	switch j.outcome {
	case outcomeOops:
		return 52
	case outcomeNoLogin:
		return 40
	}
	lines := 26
	for _, s := range j.plan.suites {
		lines += 8 + caseCount(s)*5
	}
	return lines
}

// spinner is the progress display of an init that waits: one line without an
// end, kilobytes long, and not in every job.
func (j *job) spinner() {
	if !j.rand.chance(40) {
		return
	}
	var line strings.Builder
	unit := pick(j.rand, []string{"dev-ttyS0.device", "Network Name Resolution", "Load Kernel Modules"})
	for i, n := 1, j.rand.between(6, 56); i <= n; i++ {
		stars := "*" + strings.Repeat(" ", i%6)
		fmt.Fprintf(&line, "[0;31m%s[0m] (1 of 2) A start job is running for %s (%ds / 1min 30s)[K", stars, unit, i)
	}
	j.log.say("target", line.String())
}

// silence is a board that stops talking before its login.
func (j *job) silence() {
	j.log.target("Starting network: OK")
	for i := range 3 {
		j.log.wait(int64(j.rand.between(20, 60)) * second)
		j.log.say("warning", fmt.Sprintf("login-action: no prompt yet, sending a newline (try %d)", i+1))
		j.log.input("")
	}
}
