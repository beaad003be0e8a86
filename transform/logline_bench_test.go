package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kcing/kcing/transform/incident"
)

// BenchmarkLogLine reads one line of a log: fast in the form that LAVA writes,
// msg-map with a mapping for msg, as each line with results has it, fallback in
// one that only the YAML library reads.
func BenchmarkLogLine(b *testing.B) {
	f := func(name, line string, fast bool) {
		b.Run(name, func(b *testing.B) {
			const lines = 1000
			raw := []byte(strings.Repeat(line, lines))
			var d Documents
			work := func() (strict int) {
				d.Reset()
				d.start("lab/1")
				l := logReader{d: &d, raw: raw, ascii: printableASCII(raw)}
				for i := 0; i < len(raw); {
					next := l.fastLine(i)
					if next > 0 {
						strict++
					} else if next = l.otherLine(i); next < 0 {
						b.Fatalf("not read: %s", raw[i:min(len(raw), i+200)])
					}
					i = next
				}
				return strict
			}
			if strict := work(); fast != (strict == lines) || d.Len() != lines { // and the buffers grow
				b.Fatalf("%d of %d lines were in the strict form, %d documents", strict, lines, d.Len())
			}
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				work()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
	const start = `- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"target\", \"msg\": `
	f("fast", start+`\"[    1.234567] usb 1-1: new high-speed USB device number 2 using \\\"xhci\\\"\"}\n`, true)
	f("msg-map", start+`{\"case\": \"http-download\", \"definition\": \"lava\", \"duration\": \"0.53\", \"extra\": {\"label\": \"kernel\", \"size\": ! \"4248110\"}, \"result\": \"pass\"}}\n`, true)
	f("fallback", start+`'[    1.234567] usb 1-1: new high-speed USB device number 2'}\n`, false)
}

// BenchmarkIncidents says what the reports of the kernel cost in a callback with a
// log without a report, and in one with 20: lines tests each line, reports reads what is wanted of
// them; whole is the transform with both.
func BenchmarkIncidents(b *testing.B) {
	harmless := []string{"info:waits for Kernel panic - not syncing: (.*)"}
	for i := range 1000 {
		harmless = append(harmless, fmt.Sprintf("target:[%5d.000001] usb 1-%d: new high-speed USB device number 2 "+
			"using xhci_hcd", i/9, i))
	}
	crash := harmless
	for i := range 20 {
		crash = append(crash[:len(crash):len(crash)], oopsLines...)
		crash = append(crash, fmt.Sprintf("target:[%5d.000001] ---[ end trace %016d ]---", i, i))
	}
	for name, log := range map[string][]string{"quiet": harmless, "crash": crash} {
		body := callbackJSON("log", logOf(log...))
		var rec Record
		var d Documents
		whole := func() {
			if err := rec.Parse(body, Options{Lab: "l"}); err != nil {
				b.Fatal(err)
			}
			if err := rec.Documents(&d, testReceived); err != nil {
				b.Fatal(err)
			}
		}
		whole()
		var lines [][]byte
		for _, s := range d.spans {
			if s.kind == logDoc || s.kind == suspectDoc {
				lines = append(lines, d.buf[s.source:s.end])
			}
		}
		for part, work := range map[string]func(){
			"lines": func() {
				for _, l := range lines {
					incident.Suspect(l)
				}
			},
			"reports": func() { d.readConsole() },
			"whole":   whole,
		} {
			b.Run(name+"/"+part, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					work()
				}
			})
		}
	}
}
