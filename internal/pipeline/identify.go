package pipeline

import (
	"context"
	"net/url"
	"strings"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// identify gives records that name only a Maestro node the key of the node's job,
// where a record of that job has told it: one job is one boot, whichever way it
// comes. What still knows neither lab nor number of a job that is stored with both
// is left out.
func (w *worker) identify(ctx context.Context, items []item) ([]item, error) {
	var nodes []string
	var of []int
	for i := range items {
		if it := &items[i]; it.record.OfNode() {
			nodes = append(nodes, it.record.Node())
			of = append(of, i)
		}
	}
	if len(nodes) > 0 {
		keys, err := w.run.config.Ledger.KeysOfNodes(ctx, nodes)
		if err != nil {
			return nil, err
		}
		for j, i := range of {
			if keys[j] == (state.Key{}) || keys[j] == items[i].key() {
				continue
			}
			if !w.nameLab(&items[i], keys[j]) {
				w.run.leave(&items[i], superseded)
				items[i].record = nil
			}
		}
	}
	rest := items[:0]
	for _, it := range items {
		if it.record != nil {
			rest = append(rest, it)
		}
	}
	return rest, nil
}

// nameLab reads the record again as one of the lab that the key names. False: it
// is not of that key even so.
func (w *worker) nameLab(it *item, key state.Key) bool {
	lab, err := url.PathUnescape(key.ID[:max(strings.LastIndexByte(key.ID, '/'), 0)])
	if err != nil {
		return false
	}
	src := it.source
	src.Lab = lab
	return w.run.config.parse(src, it.record) == nil && it.key() == key
}

// formerKeys are those that a record of the item's job had while its lab or its
// number was not known; none when the job is of no Maestro node.
func (it *item) formerKeys() []state.Key {
	node := it.record.Node()
	if node == "" || len(node) > maxNode || it.record.Kind != transform.KindLAVA || it.record.OfNode() {
		return nil
	}
	var keys []state.Key
	for _, id := range transform.KeysOfNode(node) {
		keys = append(keys, state.Key{Kind: string(it.record.Kind), ID: id})
	}
	return keys
}

// maxNode is longer than any node's id: they have 24 hex digits.
const maxNode = 200
