package transform

import (
	"strings"
	"testing"
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
