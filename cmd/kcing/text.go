package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/kinds"
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

// eachKind says how many there are of each kind of records.
func eachKind(counts map[string]int64) string {
	var parts []string
	for _, kind := range kinds.Names() {
		parts = append(parts, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	return strings.Join(parts, ", ")
}

// byReason lists counts by reason, the most frequent first.
func byReason(counts map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
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

func head(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func tail(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "…" + string(r[len(r)-n+1:])
	}
	return s
}
