package mappings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/elastic"
)

// Days says how many whole days are kept besides today, by kind. Never negative.
type Days struct {
	Default int
	// ByKind overrides Default; 0 is a value of its own (only today stays).
	// Incidents go by the days of tests unless they have some of their own: they are
	// of use as long as the results that they explain.
	ByKind map[string]int
}

// Of is the number of days for a kind.
func (d Days) Of(kind string) int {
	days, ok := d.ByKind[kind]
	if !ok && kind == Incident {
		days, ok = d.ByKind[Test]
	}
	if !ok {
		return d.Default
	}
	return days
}

// Longest is the number of days of the kind that is kept longest: a record may be
// forgotten when the last of its documents goes.
func (d Days) Longest() int {
	most := 0
	for _, kind := range Kinds {
		most = max(most, d.Of(kind))
	}
	return most
}

// MostDays is how many days can be kept: with more the first of them would be before
// all dates, and with very many behind them.
const MostDays = 700_000

// Validate refuses days below 0 and above [MostDays], and unknown kinds.
func (d Days) Validate() error {
	if d.Default < 0 || d.Default > MostDays {
		return fmt.Errorf("days to keep: %d is not between 0 and %d", d.Default, MostDays)
	}
	for kind, days := range d.ByKind {
		if !slices.Contains(Kinds, kind) {
			return fmt.Errorf("days to keep: no such kind %q", kind)
		}
		if days < 0 || days > MostDays {
			return fmt.Errorf("days to keep of %s: %d is not between 0 and %d", kind, days, MostDays)
		}
	}
	return nil
}

// Cutoff is the first moment that is kept: midnight UTC, days days before the
// UTC day of now. With 3 days on the 10th, at any hour: the 7th 00:00; the 7th,
// 8th, 9th and 10th stay, the 6th goes. What has no index day of its own, such
// as the memory of finished records, goes when it is before the cutoff.
func Cutoff(now time.Time, days int) time.Time {
	year, month, day := now.UTC().Date()
	return time.Date(year, month, day-days, 0, 0, 0, 0, time.UTC)
}

// expired are those of indices whose day lies before the cutoff of their kind.
func expired(indices []IndexUsage, now time.Time, days Days) (old []IndexUsage) {
	for _, index := range indices {
		if index.Day.Before(Cutoff(now, days.Of(index.Kind))) {
			old = append(old, index)
		}
	}
	return old
}

// RetainOptions says what Retain keeps. Now is required.
type RetainOptions struct {
	Prefix string
	Now    time.Time
	Days   Days
	// DryRun deletes nothing; the report says what would go.
	DryRun bool
}

// RetainReport is what Retain did. Docs and Bytes are those of Deleted: what was
// freed, with replicas. Once indices could be listed no list is nil: [] in JSON.
type RetainReport struct {
	Deleted []IndexUsage    `json:"deleted"` // with DryRun: what would go; the oldest first
	Gone    []string        `json:"gone"`    // expired, and deleted by somebody else meanwhile
	Failed  []RetainFailure `json:"failed"`
	Kept    int             `json:"kept"` // indices of ours that are young enough
	Docs    int64           `json:"docs"`
	Bytes   int64           `json:"bytes"`
}

// RetainFailure is an index that should go and did not.
type RetainFailure struct {
	Index string `json:"index"`
	Error string `json:"error"`
}

// Retain deletes our indices that have expired, each by its exact name. One
// that cannot be deleted does not keep the others: the error then joins all
// refusals and the report says what went. Refused credentials (elastic.ErrCredentials),
// a cancelled context and a lost connection end it at once. A prefix under which
// there are indices that are not ours is refused whole (*ForeignError).
func Retain(ctx context.Context, t Transport, o RetainOptions) (RetainReport, error) {
	if o.Now.IsZero() {
		return RetainReport{}, errors.New("retention: the time of now is missing")
	}
	if err := o.Days.Validate(); err != nil {
		return RetainReport{}, err
	}
	indices, err := list(ctx, t, o.Prefix)
	if err != nil {
		return RetainReport{}, err
	}
	if err := foreign(ctx, t, o.Prefix, indices); err != nil {
		return RetainReport{}, err
	}
	old := expired(indices, o.Now, o.Days)
	r := retention{report: RetainReport{
		Deleted: []IndexUsage{}, Gone: []string{}, Failed: []RetainFailure{}, Kept: len(indices) - len(old),
	}}
	if o.DryRun {
		r.deleted(old...)
		old = nil
	}
	for _, batch := range batches(old) {
		if err := r.delete(ctx, t, batch); err != nil {
			r.errs = append(r.errs, err)
			break
		}
	}
	slices.SortFunc(r.report.Deleted, func(a, b IndexUsage) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Name, b.Name))
	})
	return r.report, errors.Join(r.errs...)
}

// retention is one run of Retain.
type retention struct {
	report RetainReport
	errs   []error
}

func (r *retention) deleted(indices ...IndexUsage) {
	for _, index := range indices {
		r.report.Deleted = append(r.report.Deleted, index)
		r.report.Docs += index.Docs
		r.report.Bytes += index.Bytes
	}
}

// delete returns only errors that end the run.
func (r *retention) delete(ctx context.Context, t Transport, batch []IndexUsage) error {
	err := deleteIndices(ctx, t, batch)
	if err == nil {
		r.deleted(batch...)
		return nil
	}
	if fatal(err) {
		return err
	}
	// Elasticsearch deletes all of a list or none: find the culprit.
	for _, index := range batch {
		err := deleteIndices(ctx, t, []IndexUsage{index})
		switch {
		case err == nil:
			r.deleted(index)
		case notFound(err):
			r.report.Gone = append(r.report.Gone, index.Name)
		case fatal(err):
			return err
		default:
			r.report.Failed = append(r.report.Failed, RetainFailure{Index: index.Name, Error: err.Error()})
			r.errs = append(r.errs, err)
		}
	}
	return nil
}

// fatal errors are the same for every index.
func fatal(err error) bool {
	var refused *elastic.Error
	return !errors.As(err, &refused) || refused.Status == http.StatusUnauthorized
}

// Elasticsearch takes request lines of 4096 bytes; proxies may take less.
const (
	batchBytes = 2000
	batchNames = 100
)

func batches(indices []IndexUsage) [][]IndexUsage {
	var out [][]IndexUsage
	size := 0
	for _, index := range indices {
		size += len(index.Name) + 1
		if len(out) == 0 || size > batchBytes || len(out[len(out)-1]) == batchNames {
			out = append(out, nil)
			size = len(index.Name) + 1
		}
		out[len(out)-1] = append(out[len(out)-1], index)
	}
	return out
}

func names(indices []IndexUsage) []string {
	out := make([]string, len(indices))
	for i, index := range indices {
		out[i] = index.Name
	}
	return out
}

// inWords says which indices a batch has.
func inWords(batch []IndexUsage) string {
	if len(batch) == 1 {
		return "index " + batch[0].Name
	}
	return fmt.Sprintf("%d indices from %s to %s", len(batch), batch[0].Name, batch[len(batch)-1].Name)
}

func deleteIndices(ctx context.Context, t Transport, batch []IndexUsage) error {
	op := "delete " + inWords(batch)
	// No wildcard can be in a name of ours; "none" holds even so.
	var answer struct {
		Acknowledged bool `json:"acknowledged"`
	}
	request := esapi.IndicesDeleteRequest{Index: names(batch), ExpandWildcards: "none"}
	if err := ask(ctx, t, op, request, &answer); err != nil {
		return err
	}
	if !answer.Acknowledged {
		return &elastic.Error{Op: op, Status: http.StatusOK, Reason: "not acknowledged in time; run it again to see"}
	}
	return nil
}
