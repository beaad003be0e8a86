package transform

import (
	"testing"
	"time"
)

// TestDigest: the same record gives the same digest whenever it comes, another one
// another.
func TestDigest(t *testing.T) {
	t.Parallel()
	digest := func(payload []byte, received time.Time) [16]byte {
		t.Helper()
		var r Record
		var d Documents
		if err := r.Parse(payload, Options{OtherLab: "lab-a"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Documents(&d, received); err != nil {
			t.Fatal(err)
		}
		return d.Digest()
	}
	later := testReceived.Add(time.Hour)
	for _, payload := range [][]byte{
		callbackJSON(), // neither its rows nor itself have a time
		callbackJSON("end_time", `"2026-11-20 07:01:02+00:00"`),
		[]byte(`{"id":"b1","build_result":"PASS"}`),
	} {
		if digest(payload, testReceived) != digest(payload, later) {
			t.Errorf("%s: another digest an hour later", payload)
		}
	}
	if digest(callbackJSON(), later) == digest(callbackJSON("results", `{"lava":"- {name: job, result: fail}\n"}`),
		later) {
		t.Error("another result, the same digest")
	}
}

// TestRank: what knows more stands above what knows less.
func TestRank(t *testing.T) {
	t.Parallel()
	rank := func(payload []byte) Rank {
		t.Helper()
		var r Record
		if err := r.Parse(payload, Options{OtherLab: "lab-a"}); err != nil {
			t.Fatal(err)
		}
		return r.Rank
	}
	alone := rank(callbackJSON("status", "3", "status_string", `"incomplete"`, "actual_device_id", `"d"`, "results", "",
		"log", ""))
	results, log, both := rank(callbackJSON("log", "")), rank(callbackJSON("results", "")), rank(callbackJSON())
	if alone.Level >= results.Level || results.Level != log.Level || log.Level >= both.Level {
		t.Errorf("alone %v, results %v, log %v, both %v", alone, results, log, both)
	}
}
