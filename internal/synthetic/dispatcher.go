package synthetic

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// The dispatcher's part of the log: what LAVA says about its own steps. In
// demo logs steps that nobody searches for are left out.

func (j *job) tmp(parts ...string) string {
	return "/var/lib/lava/dispatcher/tmp/" + strconv.FormatInt(j.id, 10) + "/" + strings.Join(parts, "/")
}

func clockText(seconds int) string {
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

func (j *job) start(level, name string, timeout int) {
	lvl := "debug"
	if !strings.Contains(level, ".") {
		lvl = "info"
	}
	j.log.say(lvl, fmt.Sprintf("start: %s %s (timeout %s) [common]", level, name, clockText(timeout)))
}

func (j *job) end(level, name string, seconds int) {
	lvl := "debug"
	if !strings.Contains(level, ".") {
		lvl = "info"
	}
	j.log.say(lvl, fmt.Sprintf("end: %s %s (duration %s) [common]", level, name, clockText(seconds)))
}

// step is an action that does nothing worth a line of its own.
func (j *job) step(level, name string, timeout int) {
	if j.real {
		j.start(level, name, timeout)
		j.end(level, name, 0)
	}
}

func (j *job) validate() {
	l := j.log
	l.info("lava-dispatcher, installed at version: %s", j.site.lab.lavaVersion)
	l.info("start: 0 validate")
	l.info("Start time: %s (UTC)", pythonTime(l.now))
	began := l.now
	for _, a := range j.artifacts() {
		if j.real {
			l.info("Using caching service: 'http://cache.%s.example/get?uri=%%s'", j.site.lab.host)
			l.debug("Validating that http://cache.%s.example/get?uri=%s exists", j.site.lab.host,
				url.QueryEscape(a.URL))
		} else {
			l.debug("Validating that %s exists", a.URL)
		}
		l.wait(int64(j.rand.between(60, 400)) * 1000)
	}
	l.info("validate duration: %s", hundredths(int((l.now-began)/10_000)))
	j.milestone("validate", "pass", nil)
}

// deploy downloads the files and makes the overlay. It gives false when the
// job is canceled meanwhile.
func (j *job) deploy() bool {
	name, overlay := "tftp-deploy", "prepare-tftp-overlay"
	if j.site.board.method == methodQemu {
		name, overlay = "deployimages", "lava-overlay"
	}
	began := j.log.now
	j.start("1", name, 600)
	files := j.artifacts()
	if !j.real {
		files = files[:2]
	}
	for i, a := range files {
		if j.outcome == outcomeCanceled && i == len(files)-1 {
			j.cancel("1", name, "1."+strconv.Itoa(i+1), int((j.log.now-began)/10_000))
			return false
		}
		j.download(name, i+1, a)
	}
	j.overlay("1."+strconv.Itoa(len(files)+1), overlay)
	j.end("1", name, int((j.log.now-began)/second))
	return true
}

func (j *job) download(stage string, n int, a artifact) {
	l := j.log
	retry := "1." + strconv.Itoa(n)
	level := retry + ".1"
	file := a.URL[strings.LastIndexByte(a.URL, '/')+1:]
	if j.real {
		j.start(retry, "download-retry", 600-n)
	}
	j.start(level, "http-download", 600-n)
	l.info("downloading %s", a.URL)
	l.debug("saving as %s", j.tmp(stage+"-"+j.scratch, a.Label, file))
	l.debug("total size: %d (%dMB)", a.Size, a.Size>>20)
	centi := a.Size/90_000 + j.rand.between(2, 180)
	step := 50
	if j.real {
		step = 5
		l.debug("No compression specified")
	}
	for percent := 0; percent <= 100; percent += step {
		l.wait(int64(centi) * 10_000 * int64(step) / 105)
		l.debug("progress %3d%% (%dMB)", percent, a.Size/100*percent>>20)
	}
	l.info("%dMB downloaded in %ss (%d.%02dMB/s)", a.Size>>20, hundredths(centi), int64(a.Size)*100/int64(centi)>>20,
		j.rand.below(100))
	j.end(level, "http-download", centi/100)
	var size any = strconv.Itoa(a.Size)
	if j.tagged || j.real && j.rand.chance(850) {
		size = tagged(a.Size)
	}
	j.action(level, "http-download", centi, "pass", object{"label": a.Label, "md5sum": j.rand.hex(32),
		"sha256sum": j.rand.hex(64), "sha512sum": j.rand.hex(128), "size": size})
	if j.real {
		j.end(retry, "download-retry", centi/100)
	}
}

// overlayScripts are what LAVA puts on the board to run tests with.
var overlayScripts = []string{
	"lava-add-keys", "lava-add-sources", "lava-background-process-start", "lava-background-process-stop",
	"lava-common-functions", "lava-echo-ipv4", "lava-install-packages", "lava-installed-packages", "lava-os-build",
	"lava-probe-channel", "lava-probe-ip", "lava-target-ip", "lava-target-mac", "lava-target-storage",
	"lava-test-case", "lava-test-event", "lava-test-feedback", "lava-test-raise", "lava-test-reference",
	"lava-test-runner", "lava-test-set", "lava-test-shell",
}

func (j *job) overlay(level, name string) {
	l := j.log
	began := l.now
	j.start(level, name, 590)
	dir := j.tmp("lava-overlay-"+j.scratch, "lava-"+strconv.FormatInt(j.id, 10))
	if j.real {
		for _, part := range []string{"bin", "tests", "results"} {
			l.debug("makedir: %s/%s", dir, part)
		}
		for _, script := range overlayScripts {
			l.debug("Creating %s/bin/%s", dir, script)
		}
	}
	j.step(level+".1", "lava-vland-overlay", 589)
	j.step(level+".2", "lava-multinode-overlay", 589)
	j.start(level+".3", "test-definition", 589)
	l.info("Loading test definitions")
	for i, s := range j.plan.suites {
		if !s.Interactive {
			j.overlayDefinition(level+".3", dir, i, s)
		}
	}
	j.end(level+".3", "test-definition", 1)
	if j.real {
		l.wait(int64(j.rand.between(40, 900)) * 10_000)
	}
	j.step(level+".4", "compress-overlay", 586)
	j.step(level+".5", "extract-overlay-ramdisk", 586)
	j.step(level+".6", "extract-modules", 585)
	if j.site.board.method == methodQemu {
		centi := j.rand.between(180, 620)
		l.wait(int64(centi) * 10_000)
		j.action(level+".7", "apply-overlay-guest", centi, "pass", object{"success": j.rand.hex(32)})
	} else if j.real {
		j.ramdisk(level)
	}
	j.end(level, name, int((l.now-began)/second))
}

func (j *job) overlayDefinition(level, dir string, i int, s suiteSpec) {
	l := j.log
	uuid := fmt.Sprintf("%d_%s.%d", j.id, level, 4*i+1)
	l.debug("Using /lava-%d at stage %d", j.id, i)
	l.debug("uuid=%s testdef=None", uuid)
	if !j.real {
		return
	}
	for k, name := range []string{"test-overlay", "test-install-overlay", "test-runscript-overlay"} {
		at := level + "." + strconv.Itoa(4*i+2+k)
		j.start(at, name, 589)
		extra := object{"from": "inline", "name": s.Name, "path": "inline/" + s.Name + ".yaml", "uuid": uuid}
		if name == "test-runscript-overlay" {
			l.debug("runner path: %s/%d/tests/%d_%s test_uuid %s", dir, i, i, s.Name, uuid)
			extra["filename"] = fmt.Sprintf("%s/%d/tests/%d_%s/run.sh", dir, i, i, s.Name)
		}
		j.end(at, name, 0)
		if name != "test-install-overlay" {
			j.action(at, name, j.rand.below(2), "pass", extra)
		}
	}
}

// ramdisk repacks the initial file system with the overlay in it.
func (j *job) ramdisk(level string) {
	l := j.log
	dir := j.tmp("extract-overlay-ramdisk-" + j.scratch)
	j.start(level+".8", "compress-ramdisk", 584)
	l.info("Building ramdisk %s/ramdisk.cpio containing %s/ramdisk", dir, dir)
	l.say("debug", fmt.Sprintf(">> %d blocks\n", j.rand.between(30_000, 90_000)))
	l.wait(int64(j.rand.between(60, 240)) * 10_000)
	if j.site.board.method == methodUboot {
		l.debug("Adding RAMdisk u-boot header.")
		l.debug("mkimage -A %s -T ramdisk -C none -d %s/ramdisk.cpio.gz %s/ramdisk.cpio.gz.uboot", j.build.target.arch,
			dir, dir)
		l.debug("output: Data Size:    %d Bytes", j.rand.between(5_000_000, 14_000_000))
	}
	j.end(level+".8", "compress-ramdisk", 1)
	l.debug("Checking files for TFTP limit of 4294967296 bytes.")
}
