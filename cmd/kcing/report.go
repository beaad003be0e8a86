package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/pipeline"
)

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
