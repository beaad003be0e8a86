package incident

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// Logs of nothing but headers, callers, brackets: what the reader keeps is
// bounded, and with it the work for each line.
func TestBounds(t *testing.T) {
	header := func(i int) string {
		return fmt.Sprintf("[%5d.%06d] WARNING: CPU: 0 PID: 1 at a/b%d.c:1 teapot_%d+0x1/0x2\n", i%90000, i%1000000, i,
			i)
	}
	for name, make := range map[string]func(n int) string{
		"headers": func(n int) string { return repeat(n, header) },
		"callers": func(n int) string {
			return repeat(n, func(i int) string { return fmt.Sprintf("[    1.%06d][T%5d] %s\n", i, i, oops) })
		},
		"all CPUs": func(n int) string {
			return "[    1.000000][   T1] " + oops + "\n[    1.000000][   T1] Sending NMI from CPU 1 to CPUs 0:\n" +
				repeat(n, func(i int) string { return fmt.Sprintf("[    1.%06d][C%5d]  teapot_%d+0x1/0x2\n", i, i, i) })
		},
		"single lines": func(n int) string {
			return stamped("", oops) + repeat(n,
				func(i int) string { return fmt.Sprintf("[%5d.%06d] BUG: workqueue lockup - pool %d\n", i, i, i) })
		},
		"a line of headers":  func(n int) string { return strings.ReplaceAll(repeat(n, header), "\n", "") },
		"a line of brackets": func(n int) string { return oops + "\n" + strings.Repeat("[", 100*n) },
		"a line of escapes":  func(n int) string { return "[    1.000000] " + oops + strings.Repeat("\x1b[", 50*n) },
		"a line of quotes":   func(n int) string { return "[    1.000000] BUG: " + strings.Repeat("a ", 50*n) },
	} {
		t.Run(name, func(t *testing.T) {
			const n = 2000
			var r Reader
			for i, line := range strings.Split(make(n), "\n") {
				if r.Reading() || Suspect([]byte(line)) {
					r.Line(i+1, line)
				}
				if len(r.open) > maxOpen || len(r.titles) > maxTitles {
					t.Fatalf("%d reports open, %d titles", len(r.open), len(r.titles))
				}
				for _, o := range r.open {
					if len(o.lines) > maxLines+1 {
						t.Fatalf("%d messages of a report", len(o.lines))
					}
				}
			}
			checkIncidents(t, r.Incidents())
		})
	}
}

func repeat(n int, line func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// checkIncidents holds incidents to what their documents promise.
func checkIncidents(t *testing.T, all []Incident) {
	t.Helper()
	titles := map[string]bool{}
	last := 0
	for _, in := range all {
		switch {
		case in.Title == "" || len(in.Title) > maxTitle || titles[in.Title], in.Title != printable(in.Title):
			t.Errorf("title %q", in.Title)
		case in.Kind == "" || in.Count < 1 || len(in.Signature) != 16 || in.Line < last:
			t.Errorf("%+v after line %d", in, last)
		case !utf8.ValidString(in.Message) || utf8.RuneCountInString(in.Message) > maxMessage ||
			strings.Count(in.Trace, "\n") >= maxTrace:
			t.Errorf("message of %d bytes, trace of %d", len(in.Message), len(in.Trace))
		}
		titles[in.Title], last = true, in.Line
	}
	if len(all) > maxTitles {
		t.Errorf("%d titles", len(all))
	}
}

func TestHugeLine(t *testing.T) {
	for _, text := range []string{strings.Repeat("\xff", 1<<20), strings.Repeat("\x00", 1<<20),
		strings.Repeat("é", 1<<19), strings.Repeat("0123456789.", 1<<16)} {
		for _, log := range []string{"[    1.000000] " + oops + text, "[    1.000000] BUG: A" + text,
			"[    1.000000] " + oops + "\n[    1.000000] RIP: 0010:" + text} {
			got := incidentsOf(log)
			if len(got) != 1 {
				t.Fatalf("%d incidents", len(got))
			}
			checkIncidents(t, got)
		}
	}
}

// Wherever a phrase stands in a line, it is met.
func TestWindows(t *testing.T) {
	for _, table := range []struct {
		*windowTable
		sets   []string
		factor uint32
	}{{formWindows, formPhrases(), formFactor}, {marks, markPhrases[:], marksFactor}} {
		for set, phrases := range table.sets {
			for text := range strings.SplitSeq(phrases, "|") {
				if len(text) < leastText {
					t.Errorf("%q is too short", text)
				}
				for before := range 17 {
					line := strings.Repeat("x", before) + text + "  "
					if !setsIn(table.windowTable, line).has(set) {
						t.Errorf("%q behind %d bytes is not met", text, before)
					}
				}
			}
		}
		if found := table.windowTable.factor; found != table.factor {
			t.Errorf("%#x has to become %#x: a program that looks for it starts late", table.factor, found)
		}
	}
	for _, line := range []string{"usb 1-1: new high-speed USB device number 2 using xhci_hcd", "memory leak",
		"ic - not syncin"} {
		if Suspect([]byte(line)) {
			t.Errorf("%q is suspected", line)
		}
	}
}

// A log without a report costs no allocation.
func TestNoAllocation(t *testing.T) {
	lines := [][]byte{[]byte("[    1.000000] usb 1-1: new device"), []byte("lava-signal"), nil,
		[]byte("[    2.000000] random: crng init done")}
	var r Reader
	if n := testing.AllocsPerRun(100, func() {
		r.Reset()
		for _, l := range lines {
			if r.Reading() || Suspect(l) {
				t.Fatalf("%q is wanted", l)
			}
		}
		if in := r.Incidents(); in != nil {
			t.Fatal(in)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(stamped("", oops, "Oops: 0000 [#1]", "RIP: 0010:a+0x1/0x2", "Call Trace:", " ? b+0x1/0x2", " c+0x1/0x2 [m]",
		"Kernel panic - not syncing: Fatal exception"))
	f.Add(stamped("T1", "INFO: task a:1 blocked for more than 1 seconds.", "Call Trace:", " __schedule+0x1/0x2",
		" a+0x1/0x2"))
	f.Add(stamped("C1", "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", "Sending NMI from CPU 0 to CPUs 1:",
		"RIP: 0010:f+0x1/0x2") + stamped("T2", "f"))
	f.Add("<4>[ 1.000000] Unhandled fault: x\n[<c0014e64>] (a+0x0/0x138) from [<c0027460>] (b+0x4c/0x64)\x1b[K\r\x00")
	f.Add("[ 1.000000] WARNING: a.c:1 at _RNvMs3_NtCs_1a+0x1/0x2\n** replaying previous printk message **\n** 1 " +
		"printk messages dropped **")
	f.Fuzz(func(t *testing.T, log string) {
		wanted := incidentsOf(log)
		checkIncidents(t, wanted)
		var r Reader
		for i, line := range strings.Split(log, "\n") {
			r.Line(i+1, line)
		}
		all := r.Incidents()
		if len(all) < len(wanted) {
			t.Errorf("%d incidents, %d of them when lines are left out that no report needs", len(all), len(wanted))
		}
	})
}

func FuzzJobError(f *testing.F) {
	f.Add("Job", "bootloader-interrupt timed out after 116 seconds")
	f.Add("Infrastructure", "Unable to reboot: 'x -p y' failed")
	f.Add("Job", "[ 1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs\n[ 1.0] x")
	f.Fuzz(func(t *testing.T, errorType, message string) {
		if in, ok := JobError(errorType, message); ok {
			checkIncidents(t, []Incident{in})
		}
	})
}
