package checker

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kcing/kcing/internal/synthetic"
)

// crash is what a kernel says on the console.
type crash struct{ message, function, caller string }

var (
	oops    = crash{"BUG: kernel NULL pointer dereference, address: 0000000000000008", "teapot_brew", "teapot_probe"}
	warning = crash{"WARNING: CPU: 1 PID: 7 at drivers/misc/kettle.c:12 kettle_boil+0x1/0x2", "kettle_boil",
		"kettle_probe"}
	provoked = crash{"BUG: kernel NULL pointer dereference, address: 0000000000000000", "spill_all", "lkdtm_do_action"}
)

// crashes are callbacks of jobs whose kernels had trouble, since the synthetic
// ones crash too seldom for these pages: an old oops on all boards, a warning of
// the newest kernel, crashes on purpose, and errors of jobs with characters that
// must not break a link.
func crashes(yield func(synthetic.Record) bool) {
	n := 0
	for k, kernel := range []string{"v7.0-rc1", "v7.0-rc2", "v7.0-rc3"} {
		for _, board := range []string{"teapot-one", "teapot-two"} {
			found := []crash{oops}
			if k == 2 {
				found = append(found, warning)
			}
			if board == "teapot-two" {
				found = append(found, provoked)
			}
			n++
			record := synthetic.Record{Name: fmt.Sprintf("crash %d", n), Kind: "lava",
				Payload: crashed(n, kernel, board, found)}
			if !yield(record) {
				return
			}
		}
	}
}

// crashed is the callback of one job.
func crashed(n int, kernel, board string, found []crash) []byte {
	var log strings.Builder
	line := func(level, format string, args ...any) {
		text, _ := json.Marshal(fmt.Sprintf(format, args...))
		fmt.Fprintf(&log, "- {\"dt\": \"2026-03-19T0%d:00:00.000001\", \"lvl\": %q, \"msg\": %s}\n", n, level, text)
	}
	for i := range 150 {
		line("target", "[    0.%06d] brewing", i)
	}
	for i, c := range found {
		at := fmt.Sprintf("[    %d.000001] ", i+1)
		for _, text := range []string{
			c.message, "RIP: 0010:" + c.function + "+0x1/0x2", "Call Trace:", " <TASK>", " " + c.function + "+0x1/0x2",
			" " + c.caller + "+0x3/0x4", " </TASK>", "---[ end trace 0000000000000000 ]---",
		} {
			line("target", "%s%s", at, text)
		}
	}
	for i := range 150 {
		line("target", "[    9.%06d] cooling", i)
	}
	results := fmt.Sprintf(`- {id: '%[1]d1', name: login-action, suite: lava, result: fail, measurement: '5.%[1]d', unit: seconds}
- {id: '%[1]d2', name: job, suite: lava, result: fail, metadata: {case: job, result: fail, error_type: Test, error_msg: 'It''s "stuck" \ again!'}}
`, n)
	body, err := json.Marshal(map[string]any{
		"id": 7000 + n, "status": 3, "status_string": "incomplete", "lab_name": "lab-teapot",
		"actual_device_id": board + "-1",
		"submit_time":      "2026-03-19 00:00:00.000000+00:00",
		"start_time":       fmt.Sprintf("2026-03-19 0%d:00:00.000000+00:00", n),
		"end_time":         fmt.Sprintf("2026-03-19 0%d:30:00.000000+00:00", n),
		"results": map[string]string{"lava": results,
			"0_leaks": fmt.Sprintf("- {id: '%d3', name: it's so!, suite: 0_leaks, result: fail}\n", n)},
		"log": log.String(),
		"definition": fmt.Sprintf("metadata: {git.branch: master, git.commit: c%[1]s, git.describe: %[1]s, "+
			"kernel.tree: teapots, kernel.version: %[1]s, "+
			"kernel.defconfig: defconfig, job.build_environment: gcc-14, job.arch: arm64, device.type: %[2]s}\n",
			kernel, board),
	})
	if err != nil {
		panic(err)
	}
	return body
}
