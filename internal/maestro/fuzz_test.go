package maestro

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidwall/gjson"
)

// FuzzItem asserts what holds for all nodes: no panic, an item only with an id, a
// kind and a version, and the same version however the JSON is spelled.
func FuzzItem(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "maestro", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no records in testdata/maestro", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		if node := gjson.GetBytes(raw, "node"); node.IsObject() {
			f.Add([]byte(node.Raw))
		}
	}
	f.Add([]byte(`{"id":"6b00941641dcea75e5d60001","kind":"job","group":"a","path":["a"],"data":{"runtime":"lava","job_id":null}}`))
	c, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !gjson.ValidBytes(raw) {
			return // ask lets nothing else in
		}
		it, ok := c.item(gjson.ParseBytes(raw))
		if !ok {
			return
		}
		if it.Kind != "build" && it.Kind != "lava" || it.Version == "" || it.Name == "" {
			t.Fatalf("%+v", it)
		}
		_ = olderThan(gjson.ParseBytes(raw), []json.RawMessage{raw})
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return
		}
		spelled, err := json.Marshal(members)
		if err != nil || len(members) != len(gjson.ParseBytes(raw).Map()) {
			return
		}
		again, ok := c.item(gjson.ParseBytes(spelled))
		if ok && again.ID == it.ID && again.Version != it.Version && !hasTwice(raw) {
			t.Fatalf("another version: %s, %s", raw, spelled)
		}
	})
}

// hasTwice tells JSON in which an object has a name twice: which of them counts
// is not the same in all libraries.
func hasTwice(raw []byte) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return true
	}
	compact, err := json.Marshal(v)
	if err != nil {
		return true
	}
	return count(gjson.ParseBytes(raw)) != count(gjson.ParseBytes(compact))
}

func count(v gjson.Result) (n int) {
	if !v.IsObject() && !v.IsArray() {
		return 1
	}
	v.ForEach(func(_, e gjson.Result) bool {
		n += 1 + count(e)
		return true
	})
	return n
}
