package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/mappings"
)

// plural is a number with its noun: "1 record", "1,000 records".
func plural[N ~int | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "x") {
		return humanize.Comma(int64(n)) + " " + strings.TrimSuffix(noun, "ex") + "ices"
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// printable keeps bytes of a record from moving the terminal's cursor or
// breaking a table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// bytesText is a number of bytes for people, for files and memory: 1.5 MiB.
func bytesText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// byKind lists documents in the order of the kinds: "boot 1, test 20, log 300".
func byKind(counts map[string]int64) string {
	var parts []string
	for _, k := range mappings.Kinds {
		if n := counts[k]; n > 0 {
			parts = append(parts, k+" "+humanize.Comma(n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// byReason lists counts by reason, the most frequent first.
func byReason(counts map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(counts[b] - counts[a])
		}
		return strings.Compare(a, b)
	})
	for i, n := range names {
		names[i] = n + " " + humanize.Comma(counts[n])
	}
	return strings.Join(names, ", ")
}

// notZero leaves out what did not happen.
func notZero(counts map[string]int64) map[string]int64 {
	counts = maps.Clone(counts)
	maps.DeleteFunc(counts, func(_ string, n int64) bool { return n == 0 })
	return counts
}

// allKnown is what a command says that found nothing new.
func allKnown(n int64) string {
	if n == 0 {
		return "no new records"
	}
	return "all " + humanize.Comma(n) + " known"
}

func (a *app) printFeedReport(r pipeline.Report) {
	if r.Records > 0 && r.Skipped == r.Records {
		a.say("nothing to do: %s", allKnown(r.Records))
		return
	}
	rate := ""
	if s := r.Elapsed.Seconds(); s > 0 {
		rate = fmt.Sprintf(" (%.1f MB/s)", float64(r.Bytes)/1e6/s)
	}
	a.say("%s, %s, in %s%s", plural(r.Records, "record"), humanize.Bytes(uint64(max(r.Bytes, 0))), seconds(r.Elapsed),
		rate)
	line := func(name string, n int64, more string) {
		if n > 0 || name == "finished" {
			a.sayIn(31, "  %-16s %12s%s", name, humanize.Comma(n), more)
		}
	}
	line("finished", r.Finished, "")
	line("finished before", r.Skipped, "  skipped")
	line("superseded", r.Superseded, "  by records that know more, which are stored")
	line("refused", total(r.Refused), "  "+byReason(r.Refused))
	line("damaged", r.Damaged, "  in part; the rest is indexed, see the field tags")
	line("blank", r.Blank, "  dropped")
	line("not finished", r.NotFinished, "  jobs that were still running; their last callback is stored")
	line("pending", r.Pending, "")
	kinds := ""
	if len(r.Documents) > 0 {
		kinds = " (" + byKind(r.Documents) + ")"
	}
	a.say("documents: %s stored, %s already there, %s rejected%s", humanize.Comma(r.Bulk.Stored),
		humanize.Comma(r.Bulk.Duplicate), humanize.Comma(total(r.RejectedDocuments)), kinds)
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// durationText is 5m instead of 5m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// refusedLine sums up what did not get in.
func refusedLine(r pipeline.Report, unreadable int) string {
	var parts []string
	if n := total(r.Refused); n > 0 {
		parts = append(parts, plural(n, "record")+" refused ("+byReason(r.Refused)+")")
	}
	if n := total(r.RejectedDocuments); n > 0 {
		parts = append(parts, plural(n, "document")+" rejected ("+byReason(r.RejectedDocuments)+")")
	}
	if r.SkippedWithRejects > 0 {
		parts = append(parts, plural(r.SkippedWithRejects, "record")+" fed before with rejects still open")
	}
	if unreadable > 0 {
		parts = append(parts, plural(unreadable, "file")+" not readable")
	}
	return strings.Join(parts, ", ")
}
