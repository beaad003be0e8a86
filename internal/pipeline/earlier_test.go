package pipeline

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	es "github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/state"
)

type answer struct {
	status int
	body   string
}

// requests answers those that are not bulk requests of documents, one after the
// other, and notes them.
type requests struct {
	answers []answer
	seen    []string // method, URL and body
}

func (r *requests) Perform(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.seen = append(r.seen, req.Method+" "+req.URL.Path+"?"+req.URL.RawQuery+" "+string(body))
	a := r.answers[0]
	r.answers = r.answers[1:]
	return response(a.status, a.body), nil
}

// replacing feeds a callback, and then the record that completes it.
func replacing(t *testing.T, r *requests) (*ledger, Report, error) {
	t.Helper()
	e, l := &elastic{}, newLedger()
	plain := callback(1, 20)
	plain.Lab = "lab"
	mustFeed(t, slice{plain}, config(e, l))
	c := config(e, l)
	c.ES.Requests = r
	whole := record("node", `{"node":`+fmt.Sprintf(testNode,
		"2025-11-20T00:10:00.100000")+`,"tests":[],"callback":`+string(plain.Payload)+`}`)
	report, err := feed(t.Context(), t, slice{whole}, c)
	return l, report, err
}

// TestRemovesWhatIsLeft: of the job's documents those go that the new record has
// none for, whatever page they are on, and no others.
func TestRemovesWhatIsLeft(t *testing.T) {
	t.Parallel()
	hits := func(ids ...string) answer {
		var all []string
		for len(all) < pageSize && len(ids) == 0 { // a page of documents that stay
			all = append(all, `{"_index":"boot-2025.11.19","_id":"lab/1"}`)
		}
		for _, id := range ids {
			all = append(all, fmt.Sprintf(`{"_index":"test-2025.11.19","_id":%q}`, id))
		}
		return answer{200, `{"_scroll_id":"s","hits":{"hits":[` + strings.Join(all, ",") + `]}}`}
	}
	r := &requests{answers: []answer{{200, `{}`}, hits(), hits(),
		hits("lab/1", "lab/1/t/old", "lab/11/t/1", "maestro/6b00989341dcea75e5d60011", "node/6b00989341dcea75e5d60011"),
		{200, `{"items":[{"delete":{"status":200}},{"delete":{"status":404}}]}`}, {200, `{}`}}}
	l, report, err := replacing(t, r)
	if err != nil || report.Finished != 1 || len(r.answers) != 0 {
		t.Fatalf("%v, %+v, asked for %q", err, report, r.seen)
	}
	want := `POST /_bulk?filter_path=items.*.status,items.*.error {"delete":{"_id":"lab/1/t/old","_index":"test-2025.11.19"}}` + "\n" +
		`{"delete":{"_id":"maestro/6b00989341dcea75e5d60011","_index":"test-2025.11.19"}}` + "\n"
	if got := r.seen[len(r.seen)-2]; got != want {
		t.Errorf("deleted with %q, want %q", got, want)
	}
	for i, want := range []string{"/_refresh", `{"job_id":"1"}`, "scroll=1m", "/_search/scroll?scroll=1m", "/_bulk",
		"DELETE /_search/scroll?"} {
		if !strings.Contains(r.seen[i], want) {
			t.Errorf("request %d is %q, want %q in it", i, r.seen[i], want)
		}
	}
	if l.nodes["6b00989341dcea75e5d60010"] != (state.Key{Kind: "lava", ID: "lab/1"}) {
		t.Errorf("nodes %v", l.nodes)
	}
}

// TestRemovalFails: a record whose earlier documents could not be deleted is
// pending, and the run says why.
func TestRemovalFails(t *testing.T) {
	t.Parallel()
	denied := func() answer {
		return answer{403, `{"error":{"type":"security_exception","reason":"action is unauthorized"}}`}
	}
	found := func() answer {
		return answer{200, `{"hits":{"hits":[{"_index":"test-2025.11.19","_id":"lab/1/t/old"}]}}`}
	}
	for name, answers := range map[string][]answer{
		"refresh": {denied()},
		"search":  {{200, `{}`}, denied()},
		"delete":  {{200, `{}`}, found(), denied()},
		"item": {{200, `{}`}, found(),
			{200, `{"items":[{"delete":{"status":403,"error":{"type":"security_exception","reason":"action is unauthorized"}}}]}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, report, err := replacing(t, &requests{answers: answers})
			var why *es.Error
			if !errors.As(err, &why) || why.Status != http.StatusForbidden || report.Pending != 1 {
				t.Errorf("%v, %d pending", err, report.Pending)
			}
			if f := l.finished[state.Key{Kind: "lava", ID: "lab/1"}]; f.Known.Level%2 != 0 {
				t.Errorf("it is finished: %+v", f)
			}
		})
	}
}
