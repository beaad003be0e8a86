package synthetic

import (
	"strconv"
	"strings"
)

// How jobs stop: by plan, by a person, or because the lab broke.

// fail logs the exception and the results of the actions that a failure ends,
// innermost first, and remembers it for the job's own result.
func (j *job) fail(errorType, message string, centi int, actions ...[2]string) {
	j.errorType, j.errorMsg = errorType, message
	for i, a := range actions {
		level, name := a[0], a[1]
		j.log.say("exception", message)
		j.end(level, name, centi/100)
		j.action(level, name, centi+i, "fail", object{"fail": message})
		if i == len(actions)-1 && errorType != "Canceled" {
			j.log.say("error", name+" failed: 1 of 1 attempts. '"+message+"'")
		}
	}
}

func (j *job) cancel(stage, name, retry string, centi int) {
	j.start(retry+".1", "http-download", 590)
	j.log.wait(int64(j.rand.between(3, 280)) * second)
	j.fail("Canceled", "The job was canceled", centi,
		[2]string{retry + ".1", "http-download"}, [2]string{retry, "download-retry"}, [2]string{stage, name})
}

// breakDown is the lab failing before any kernel runs.
func (j *job) breakDown() {
	l := j.log
	kind := j.rand.below(3)
	if j.site.board.method == methodQemu {
		kind = 0 // no power switch and no serial line to lose
	}
	switch kind {
	case 0:
		j.start("1", "tftp-deploy", 600)
		j.start("1.1.1", "http-download", 600)
		l.info("downloading %s", j.artifacts()[0].URL)
		l.wait(int64(j.rand.between(30, 120)) * second)
		message := "Resource unavailable at '" + j.artifacts()[0].URL + "' (503)"
		l.say("error", message)
		j.fail("Infrastructure", message, j.rand.between(3000, 12_000),
			[2]string{"1.1.1", "http-download"}, [2]string{"1.1", "download-retry"}, [2]string{"1", "tftp-deploy"})
	case 1:
		j.deploy()
		j.start("2", "uboot-action", 300)
		j.start("2.4.1", "reset-device", 290)
		l.debug("Calling: 'nice' '/usr/local/bin/pdu' '--host=pdu-%s-%d' '--port=%d' 'reboot'", j.site.lab.host,
			1+j.rand.below(3), 1+j.rand.below(16))
		l.wait(int64(j.rand.between(5, 40)) * second)
		l.debug(">> timeout: no answer from pdu-%s", j.site.lab.host)
		j.fail("Infrastructure", "Unable to reboot: '/usr/local/bin/pdu' failed", j.rand.between(500, 4000),
			[2]string{"2.4.1", "reset-device"}, [2]string{"2.4", "uboot-retry"}, [2]string{"2", "uboot-action"})
	default:
		j.deploy()
		j.start("2", "uboot-action", 300)
		j.start("2.3.1", "connect-device", 295)
		port := 7000 + j.rand.below(60)
		l.debug("[common] connect-device Connecting to device using 'telnet console.%s.example %d'", j.site.lab.host,
			port)
		l.wait(int64(j.rand.between(60, 290)) * second)
		l.target("telnet: Unable to connect to remote host: Connection refused")
		j.fail("Infrastructure", "Connection 'telnet console."+j.site.lab.host+".example "+
			strconv.Itoa(port)+"' closed by the serial server", j.rand.between(6000, 29_000),
			[2]string{"2.3.1", "connect-device"}, [2]string{"2", "uboot-action"})
	}
}

// errorClasses are the names LAVA gives the error types in the log.
var errorClasses = map[string]string{
	"Infrastructure": "InfrastructureError: the infrastructure of the lab failed",
	"Job":            "JobError: the job could not end cleanly",
	"Test":           "TestError: a test could not be run to its end",
	"Canceled":       "JobCanceled: The job was canceled",
}

func (j *job) finish() {
	l := j.log
	j.start("4", "finalize", 120)
	j.start("4.1", "power-off", 30)
	if j.site.board.method == methodQemu {
		j.step("4.1.1", "disconnect-device", 29)
	} else {
		l.debug("Calling: 'nice' '/usr/local/bin/pdu' '--host=pdu-%s-%d' '--port=%d' 'off'", j.site.lab.host,
			1+j.rand.below(3), 1+j.rand.below(16))
		l.wait(int64(j.rand.between(20, 160)) * 10_000)
		l.debug("Returned 0 in 0 seconds")
	}
	j.end("4.1", "power-off", 0)
	j.action("4.1", "power-off", j.rand.below(150), "pass", object{"status": "success"})
	j.start("4.2", "read-feedback", 110)
	j.feedback()
	j.end("4.2", "read-feedback", 1)
	l.info("Cleaning after the job")
	for _, a := range j.artifacts() {
		if j.real {
			l.debug("Cleaning up download directory: %s", j.tmp("tftp-deploy-"+j.scratch, a.Label))
		}
	}
	l.info("Root tmp directory removed at %s", strings.TrimSuffix(j.tmp(), "/"))
	if j.errorType == "" {
		l.info("Job finished correctly")
		j.milestone("job", "pass", nil)
		return
	}
	l.say("error", errorClasses[j.errorType])
	j.milestone("job", "fail", object{"error_msg": j.errorMsg, "error_type": j.errorType})
}

// feedback is what the board still says when nobody listens any more. The odd
// bytes come from consoles that are being switched off.
func (j *job) feedback() {
	l := j.log
	l.wait(second)
	l.debug("Listened to connection for namespace 'common' for 1s")
	switch roll := j.rand.below(100); {
	case j.outcome == outcomeTestTimeout || roll < 6:
		l.feedback("<47>[  " + strconv.Itoa(100+j.rand.below(800)) + "." + strconv.Itoa(100_000+j.rand.below(900_000)) +
			"] systemd-journald[" + strconv.Itoa(100+j.rand.below(200)) + "]: Compressed data object " +
			strconv.Itoa(512+j.rand.below(900)) + " -> " + strconv.Itoa(200+j.rand.below(300)) + " using ZSTD")
		l.feedback("/ # ")
	case roll < 16:
		l.target("/ # \x00")
	case roll < 20:
		l.target("\x1b[0m\x1b[?2004hroot@kernelci:~# ")
	case roll < 22:
		// libyaml would write \e; other dispatchers' loggers write the number.
		l.open("target")
		l.buf = append(l.buf, `"\x1b[6n\x03"}`...)
	case roll < 24:
		l.target("\u00a0\u2028\a")
	}
	l.info("Finalising connection for namespace 'common'")
}
