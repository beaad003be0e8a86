package bulk

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// refusing answers each document with the error that say gives for it; "" takes it.
func refusing(say func(n int, d sentDoc) (status int, typ, reason string)) func(http.ResponseWriter, int, []sentDoc) {
	return func(w http.ResponseWriter, n int, docs []sentDoc) {
		var items []string
		for _, d := range docs {
			status, typ, reason := say(n, d)
			if typ == "" {
				items = append(items, fmt.Sprintf(`{"%s":{"status":201}}`, d.Op))
				continue
			}
			items = append(items, fmt.Sprintf(`{"%s":{"status":%d,"error":{"type":%q,"reason":%q}}}`, d.Op, status, typ,
				reason))
		}
		_, _ = io.WriteString(w, `{"took":1,"errors":true,"items":[`+strings.Join(items, ",")+`]}`)
	}
}

// sent sends documents, by index and record, to a server that answers so.
func sent(t *testing.T, o Options, docs []Doc,
	say func(n int, d sentDoc) (int, string, string)) (results map[string]Result, err error) {
	t.Helper()
	var mu sync.Mutex
	results = map[string]Result{}
	ix, err := New(client(t, inMemory{serve(t, refusing(say))}), func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		results[r.Doc.Index+"/"+r.Doc.ID] = r
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		d.Body = []byte(`{}`)
		if err := ix.Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return results, ix.Close(t.Context())
}

// TestIndexThatTakesNothing: whatever would refuse every document of an index is
// waited for, the documents of other indices get in, and none is rejected.
func TestIndexThatTakesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range [][2]string{
		{"index_not_found_exception", "no such index [x] and [action.auto_create_index] is [false]"},
		{"illegal_argument_exception", "no write index is defined for alias [x]"},
		{"illegal_argument_exception", "pipeline with id [gone] does not exist"},
		{"illegal_argument_exception", "only write ops with an op_type of create are allowed in data streams"},
		{"strict_dynamic_mapping_exception",
			"[1:2] mapping set to strict, dynamic introduction of [lab_name] within [_doc] is not allowed"},
		{"index_closed_exception", "closed"},
		{"cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];"},
		{"validation_exception", "this action would add [2] shards, but this cluster currently has [1000]/[1000] " +
			"maximum normal shards open"},
		{"nobody_has_thought_of_it_exception", "no"},
		{"document_parsing_exception", "failed to parse field [board]: the mapping is somebody else's"},
	} {
		for _, repaired := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var docs []Doc
				for i := range 20 {
					docs = append(docs, Doc{Index: "sick", ID: fmt.Sprint(i), Tag: i / 2},
						Doc{Index: "well", ID: fmt.Sprint(i), Tag: i / 2})
				}
				results, err := sent(t, Options{RetryFor: 2 * time.Minute}, docs,
					func(_ int, d sentDoc) (int, string, string) {
						if d.Index == "well" || repaired && time.Since(began) > time.Minute {
							return 201, "", ""
						}
						return 400, fault[0], fault[1]
					})
				want := Undelivered
				if repaired {
					want = Stored
				}
				for id, r := range results {
					if strings.HasPrefix(id, "well/") && r.Outcome != Stored ||
						strings.HasPrefix(id, "sick/") && r.Outcome != want {
						t.Errorf("%s, repaired %v: %s is %v: %v", fault, repaired, id, r.Outcome, r.Err)
					}
				}
				var index *IndexError
				if !repaired && (!errors.As(err, &index) || index.Index != "sick" ||
					!strings.Contains(err.Error(), fault[1])) {
					t.Errorf("%s: the error is %v", fault, err)
				}
				if took := time.Since(began); took > 5*time.Minute {
					t.Errorf("%s: took %v", fault, took)
				}
			})
		}
	}
}

// TestBlockInTheMiddle: an index is blocked while requests are under way, so that
// it takes documents after it has refused others. None of them is to blame.
func TestBlockInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var docs []Doc
		for i := range 40 {
			docs = append(docs, Doc{Index: "i", ID: fmt.Sprint(i), Tag: i / 10})
		}
		results, err := sent(t, Options{FlushActions: 10, Requests: 2}, docs,
			func(n int, _ sentDoc) (int, string, string) {
				time.Sleep(time.Millisecond)
				if n > 1 && n < 4 || time.Since(began) > 20*time.Second {
					return 201, "", ""
				}
				return 403, "cluster_block_exception", "index [i] blocked by: [FORBIDDEN/8/index write (api)];"
			})
		for id, r := range results {
			if r.Outcome != Stored {
				t.Errorf("%s is %v: %v", id, r.Outcome, r.Err)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// TestIndexMadeAgain: an index that took documents a while ago, and is then one of
// somebody else's that refuses all of them, costs the documents of a few records;
// the others wait for it. What it took a moment ago says that the documents are bad.
func TestIndexMadeAgain(t *testing.T) {
	t.Parallel()
	for ago, rejected := range map[time.Duration]int{2 * takenLasts: rejectedInARow, time.Second: 19} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var known Indices
			known.took("i", time.Now())
			time.Sleep(ago)
			var docs []Doc
			for i := range 19 {
				docs = append(docs, Doc{Index: "i", ID: fmt.Sprint(i), Tag: i})
			}
			results, err := sent(t, Options{FlushActions: 1, Requests: 1, Indices: &known}, docs,
				func(int, sentDoc) (int, string, string) {
					if time.Since(began) > ago+time.Minute {
						return 201, "", ""
					}
					return 400, "document_parsing_exception", "failed to parse field [x]"
				})
			outcomes := map[Outcome]int{}
			for _, r := range results {
				outcomes[r.Outcome]++
			}
			if err != nil || outcomes[Rejected] != rejected || outcomes[Stored] != len(docs)-rejected {
				t.Errorf("taken %v ago: %v, %v", ago, outcomes, err)
			}
		})
	}
}

// TestDocumentOfItsOwnFault: one among others is rejected at once, one alone in
// its index within the time that is waited for the index.
func TestDocumentOfItsOwnFault(t *testing.T) {
	t.Parallel()
	bad := func(_ int, d sentDoc) (int, string, string) {
		if d.ID == "bad" {
			return 400, "document_parsing_exception", "failed to parse field [x]"
		}
		return 201, "", ""
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		results, err := sent(t, Options{}, []Doc{{Index: "i", ID: "1"}, {Index: "i", ID: "bad"}, {Index: "i", ID: "2"}},
			bad)
		if results["i/bad"].Outcome != Rejected || err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("among others: %v, %v after %v", results["i/bad"].Outcome, err, time.Since(began))
		}
	})
	for _, retryFor := range []time.Duration{4 * time.Second, 5 * time.Minute, -1} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			results, err := sent(t, Options{RetryFor: retryFor}, []Doc{{Index: "i", ID: "bad", Tag: 1}}, bad)
			if results["i/bad"].Outcome != Rejected || err != nil || time.Since(began) > time.Minute ||
				retryFor > 0 && time.Since(began) > retryFor {
				t.Errorf("alone, %v: %v, %v after %v", retryFor, results["i/bad"].Outcome, err, time.Since(began))
			}
		})
	}
	// Two alone, each for a reason of its own.
	synctest.Test(t, func(t *testing.T) {
		results, err := sent(t, Options{}, []Doc{{Index: "i", ID: "bad", Tag: 1}, {Index: "i", ID: "worse", Tag: 2}},
			func(_ int, d sentDoc) (int, string, string) {
				return 400, "document_parsing_exception", "failed for " + d.ID
			})
		if err != nil || results["i/bad"].Outcome != Rejected || results["i/worse"].Outcome != Rejected {
			t.Errorf("two alone: %v, %v", results, err)
		}
	})
	// An error that says nothing of the document, while others get in after it.
	synctest.Test(t, func(t *testing.T) {
		results, err := sent(t, Options{FlushActions: 1, Requests: 1},
			[]Doc{{Index: "i", ID: "odd"}, {Index: "i", ID: "1"}},
			func(_ int, d sentDoc) (int, string, string) {
				if d.ID == "odd" {
					return 400, "plugin_exception", "no"
				}
				return 201, "", ""
			})
		if o := results["i/odd"].Outcome; o != Rejected && o != Undelivered || err == nil && o != Rejected {
			t.Errorf("odd: %v, %v", o, err)
		}
	})
}

// TestIndicesAreRemembered: what one Indexer has waited for the next does not
// wait for again, and changes are told once.
func TestIndicesAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		known := &Indices{Changed: func(index string, why *Error) {
			told = append(told, fmt.Sprint(index, why != nil))
		}}
		sick := true
		say := func(int, sentDoc) (int, string, string) {
			if sick {
				return 404, "index_not_found_exception", "no such index"
			}
			return 201, "", ""
		}
		for i := range 3 {
			began := time.Now()
			_, _ = sent(t, Options{RetryFor: -1, Indices: known}, []Doc{{Index: "i", ID: "1", Tag: 1}}, say)
			if took := time.Since(began); i > 0 && took > 10*time.Second {
				t.Errorf("waited %v once more", took)
			}
		}
		sick = false
		results, err := sent(t, Options{RetryFor: -1, Indices: known}, []Doc{{Index: "i", ID: "1", Tag: 1}}, say)
		if err != nil || results["i/1"].Outcome != Stored || strings.Join(told, " ") != "itrue ifalse" {
			t.Errorf("%v, %v, told %v", results, err, told)
		}
	})
}

// TestNamesAreNoContent: an index that has taken documents and then wants what is
// not there is at fault, whatever names people gave to pipelines and indices.
func TestNamesAreNoContent(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{
		"pipeline with id [add-fields] does not exist",
		"no write index is defined for alias [airfield-boot-2026.02.03]. The write index may be explicitly disabled",
	} {
		synctest.Test(t, func(t *testing.T) {
			known := &Indices{}
			known.took("sick", time.Now())
			o := Options{RetryFor: time.Minute, Indices: known}
			results, err := sent(t, o, []Doc{{Index: "sick", ID: "1"}}, func(int, sentDoc) (int, string, string) {
				return 400, "illegal_argument_exception", reason
			})
			if r := results["sick/1"]; r.Outcome != Undelivered {
				t.Errorf("%s: %v, %v", reason, r.Outcome, err)
			}
		})
	}
}
