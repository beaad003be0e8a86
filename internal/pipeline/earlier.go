package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"github.com/zeebo/xxh3"

	"github.com/kcing/kcing/bulk"
	es "github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/transform"
)

// earlier is what a record of a job takes the place of: documents of another
// record of the job that this one has no document for, such as the incident of a
// job that seemed lost, or rows that were nodes before the callback came. They are
// deleted when this one's documents are stored, and before the ledger has it: a
// crash in between does both again.
type earlier struct {
	lab, job, node string
	keys           []string // of this record and of those that it replaces
	days           []time.Time
	ids            map[uint64]bool // hashes of the ids of this record's documents
}

// replaces returns what the item's documents take the place of; nil when that was
// nothing, or the same documents.
func (it *item) replaces() *earlier {
	known := it.known.Finished.Known
	overwrites := it.op == bulk.OpIndex && (it.known.Found || !it.begun.IsZero()) &&
		(known.Digest != it.documents || known.Version != transform.Version)
	if it.record.Kind != transform.KindLAVA || !overwrites && len(it.earlier) == 0 {
		return nil
	}
	e := &earlier{lab: it.record.Lab, job: it.record.Job(), node: it.record.Node(),
		keys: []string{it.record.Key}, ids: map[uint64]bool{}}
	for _, f := range it.earlier {
		e.keys = append(e.keys, f.Key.ID)
		e.days = append(e.days, f.Time)
	}
	return e
}

func (e *earlier) stores(id string) { e.ids[xxh3.HashString(id)] = true }

// isLeftover reports whether a document that [earlier.query] finds is of the earlier record
// and this one has none of its id. One that is a Maestro node has that node's id,
// which says nothing of the job: lab and number, by which it was found, do.
func (e *earlier) isLeftover(id string) bool {
	if e.ids[xxh3.HashString(id)] {
		return false
	}
	return strings.HasPrefix(id, transform.NodeID) || slices.ContainsFunc(e.keys, func(key string) bool {
		rest, ok := strings.CutPrefix(id, key)
		return ok && (rest == "" || rest[0] == '/')
	})
}

// indices are where documents of the job can be.
func (e *earlier) indices(prefix string) []string {
	var names []string
	for _, day := range e.days {
		for _, kind := range kinds.DocumentsOf(kinds.LAVA) {
			names = append(names, mappings.IndexName(prefix, kind, day))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// query finds the job's documents, and those of its node.
func (e *earlier) query() []byte {
	type clause = map[string]any
	var should []clause
	if e.lab != "" && e.job != "" {
		both := []clause{{"term": clause{"lab_name": e.lab}}, {"term": clause{"job_id": e.job}}}
		should = append(should, clause{"bool": clause{"filter": both}})
	}
	if e.node != "" {
		should = append(should, clause{"term": clause{"node_id": e.node}})
	}
	q, _ := json.Marshal(clause{"size": pageSize, "sort": []string{"_doc"}, "_source": false,
		//nolint:errchkjson // strings
		"query": clause{"bool": clause{"should": should, "minimum_should_match": 1}}})
	return q
}

// removeReplaced deletes what is left of the records that those of a batch replace.
func (r *run) removeReplaced(ctx context.Context, all []*earlier) error {
	var names []string
	for _, e := range all {
		names = append(names, e.indices(r.config.ES.Prefix)...)
	}
	slices.Sort(names)
	for some := range slices.Chunk(slices.Compact(names), maxIndices) {
		// What was stored a moment ago is to be found as well.
		if _, err := r.call(ctx, "refresh its indices", http.MethodPost,
			"/"+strings.Join(some, ",")+"/_refresh?"+ignoreMissing, nil); err != nil {
			return notRemoved(all[0], err)
		}
	}
	for _, e := range all {
		if err := r.removeLeftovers(ctx, e); err != nil {
			return notRemoved(e, err)
		}
	}
	return nil
}

func notRemoved(e *earlier, err error) error {
	hint := ""
	if why := new(es.Error); errors.As(err, &why) && why.Status == http.StatusForbidden {
		hint = " (the role needs read, maintenance and delete on these indices)"
	}
	return fmt.Errorf("what was stored of %s before cannot be deleted%s: %w", e.keys[0], hint, err)
}

const (
	maxIndices    = 40 // their names are part of a URL
	pageSize      = 5000
	ignoreMissing = "ignore_unavailable=true&allow_no_indices=true"
)

// removeLeftovers finds the job's documents and deletes those that are left of an
// earlier record. Elasticsearch keeps a scroll for its minute and has room for few,
// so one is begun only for a job with more documents than a page, and cleared.
func (r *run) removeLeftovers(ctx context.Context, e *earlier) error {
	search := "/" + strings.Join(e.indices(r.config.ES.Prefix), ",") + "/_search?" + ignoreMissing
	found, _, err := r.removePage(ctx, e, search, e.query())
	if err != nil || found < pageSize {
		return err
	}
	found, scroll, err := r.removePage(ctx, e, search+"&scroll=1m", e.query())
	for err == nil && found == pageSize {
		found, scroll, err = r.removePage(ctx, e, "/_search/scroll?scroll=1m", scrollBody(scroll))
	}
	if scroll == "" {
		return err
	}
	_, cleared := r.call(ctx, "close the search", http.MethodDelete, "/_search/scroll", scrollBody(scroll))
	return errors.Join(err, cleared)
}

// removePage deletes what is left among the documents of one answer, and returns
// how many those were and the id of the scroll, if it is one.
func (r *run) removePage(ctx context.Context, e *earlier, path string, body []byte) (
	found int, scroll string, err error,
) {
	answer, err := r.call(ctx, "look for it", http.MethodPost, path, body)
	if err != nil {
		return 0, "", err
	}
	hits := gjson.GetBytes(answer, "hits.hits").Array()
	scroll = gjson.GetBytes(answer, "_scroll_id").String()
	var deletes bytes.Buffer
	for _, h := range hits {
		if id := h.Get("_id").String(); e.isLeftover(id) {
			meta := map[string]string{"_index": h.Get("_index").String(), "_id": id}
			line, _ := json.Marshal(map[string]any{"delete": meta}) //nolint:errchkjson // strings
			deletes.Write(append(line, '\n'))
		}
	}
	if deletes.Len() > 0 {
		err = r.deleteAll(ctx, deletes.Bytes())
	}
	return len(hits), scroll, err
}

func scrollBody(id string) []byte {
	body, _ := json.Marshal(map[string]string{"scroll_id": id}) //nolint:errchkjson // strings
	return body
}

func (r *run) deleteAll(ctx context.Context, lines []byte) error {
	answer, err := r.call(ctx, "delete it", http.MethodPost, "/_bulk?filter_path=items.*.status,items.*.error", lines)
	if err != nil {
		return err
	}
	var failed error
	gjson.GetBytes(answer, "items.#.delete").ForEach(func(_, item gjson.Result) bool {
		if status := int(item.Get("status").Int()); status != http.StatusOK && status != http.StatusNotFound {
			failed = &es.Error{Op: "delete it", Status: status, Type: item.Get("error.type").String(),
				Reason: item.Get("error.reason").String()}
		}
		return failed == nil
	})
	return failed
}

// call is a request beside the bulk requests, with a JSON body or none.
func (r *run) call(ctx context.Context, op, method, path string, body []byte) ([]byte, error) {
	return es.Do(ctx, r.config.ES.Requests, op, es.Request{Method: method, Path: path, Body: body})
}
