// Command demo prints what `make demo` fed: counts and a table from
// aggregations in Elasticsearch, and where to look next.
//
// With the argument boots it prints only how many boots are there, so that make
// demo begins anew when the server has lost them.
//
// It only reads. The caveat: it looks at the indices of ES_INDEX_PREFIX, which
// make demo sets, and refuses to run without one.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/mappings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	show := run
	if slices.Equal(os.Args[1:], []string{"boots"}) {
		show = boots
	}
	if err := show(ctx, os.Stdout, os.Getenv("ES_HOST"), os.Getenv("ES_INDEX_PREFIX")); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to defer for
	}
}

// boots prints the number of boots.
func boots(ctx context.Context, w io.Writer, url, prefix string) error {
	n, err := elastic{url: url, prefix: prefix}.count(ctx, "boot")
	if err == nil {
		_, err = fmt.Fprintln(w, n)
	}
	return err
}

// run prints the tables for the indices of prefix at url.
func run(ctx context.Context, w io.Writer, url, prefix string) error {
	if url == "" || prefix == "" {
		return errors.New("ES_HOST and ES_INDEX_PREFIX are not set; run: make demo")
	}
	es := elastic{url: url, prefix: prefix}
	_, _ = fmt.Fprintln(w, "documents")
	for _, kind := range mappings.Kinds {
		n, err := es.count(ctx, kind)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(w, "  %-14s %9s\n", kind, humanize.Comma(n))
	}
	labs, err := es.bootsByLab(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "\n%-16s %9s %6s %6s %10s\n", "boots by lab", "pass", "fail", "other", "pass rate")
	for _, lab := range labs {
		_, _ = fmt.Fprintf(w, "  %-14s %9s %6d %6d %8.0f %%\n", lab.name, humanize.Comma(lab.pass), lab.fail,
			lab.other(), lab.passRate())
	}
	if err := printIncidents(ctx, w, es); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `
Look further:
  demo-report.html  for a browser: what fails now, and what the last kernel changed
  curl -s '%s/%slog-*/_search?q=msg:%%22not+syncing%%22&_source_includes=board,kernel,msg&size=3&pretty'
  ./kcing status --env-file .cache/demo/kcing.env
  make es-down     stops the Elasticsearch that make demo or make es-up started
`, display(url), prefix)
	return err
}

// printIncidents prints what fails most, by the titles under which it is known.
func printIncidents(ctx context.Context, w io.Writer, es elastic) error {
	titles, err := es.topIncidents(ctx)
	if err != nil || len(titles) == 0 {
		return err
	}
	_, _ = fmt.Fprintf(w, "\n%6s %6s  %s\n", "jobs", "boards", "what fails")
	for _, t := range titles {
		_, _ = fmt.Fprintf(w, "%6d %6d  %.64s\n", t.jobs, t.boards, t.name)
	}
	return nil
}

// lab is how the boots in one lab ended.
type lab struct {
	name              string
	boots, pass, fail int64
}

// other are neither pass nor fail, such as incomplete and canceled.
func (l lab) other() int64 { return l.boots - l.pass - l.fail }

// passRate is in per cent of the boots that passed or failed: what the lab lost
// says nothing of the kernel.
func (l lab) passRate() float64 { return 100 * float64(l.pass) / float64(max(l.pass+l.fail, 1)) }

// byPassRate sorts the worst lab first: that is the one to look at.
func byPassRate(labs []lab) {
	slices.SortFunc(labs, func(a, b lab) int {
		return cmp.Or(cmp.Compare(a.passRate(), b.passRate()), cmp.Compare(a.name, b.name))
	})
}
