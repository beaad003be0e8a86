package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8"

	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/mappings"
)

func TestMain(m *testing.M) { os.Exit(estest.Main(m)) }

// TestRun runs on the real templates, since the table comes from aggregations.
func TestRun(t *testing.T) {
	url := estest.Shared(t)
	prefix := estest.Prefix(t, url)
	client, err := elasticsearch.NewBaseClient(elasticsearch.Config{Addresses: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	var none bytes.Buffer
	if err := boots(t.Context(), &none, url, prefix); err != nil || none.String() != "0\n" {
		t.Errorf("boots of a new server: %q, %v", none.String(), err)
	}
	if _, err := mappings.Install(t.Context(), client, mappings.InstallOptions{Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	var bulk strings.Builder
	for _, boot := range []struct{ lab, result string }{
		{"lab-a", "pass"}, {"lab-a", "pass"}, {"lab-a", "pass"},
		{"lab-b", "pass"}, {"lab-b", "fail"}, {"lab-b", "incomplete"}, {"lab-b", "canceled"},
	} {
		fmt.Fprintf(&bulk, `{"create":{"_index":"%sboot-2026.01.02"}}`+"\n", prefix)
		fmt.Fprintf(&bulk, `{"lab_name":%q,"boot_result":%q}`+"\n", boot.lab, boot.result)
	}
	fmt.Fprintf(&bulk, `{"create":{"_index":"%slog-2026.01.02"}}`+"\n"+`{"msg":"Kernel panic"}`+"\n", prefix)
	for _, board := range []string{"b1", "b2", "b2"} {
		fmt.Fprintf(&bulk, `{"create":{"_index":"%sincident-2026.01.02"}}`+"\n"+`{"title":"WARNING in teapot_boil","board":%q,"provoked":false}`+"\n", prefix, board)
	}
	fmt.Fprintf(&bulk, `{"create":{"_index":"%sincident-2026.01.02"}}`+"\n"+`{"title":"kernel BUG in lkdtm_BUG","board":"b1","provoked":true}`+"\n", prefix)
	res, err := http.Post(url+"/_bulk", "application/x-ndjson", strings.NewReader(bulk.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}

	var out bytes.Buffer
	if err := boots(t.Context(), &out, url, prefix); err != nil || out.String() != "7\n" {
		t.Errorf("boots: %q, %v", out.String(), err)
	}
	out.Reset()
	if err := run(t.Context(), &out, url, prefix); err != nil {
		t.Fatal(err)
	}
	want := `documents
  build                  0
  boot                   7
  test                   0
  log                    1
  incident               4

boots by lab          pass   fail  other  pass rate
  lab-b                  1      1      2       50 %
  lab-a                  3      0      0      100 %

  jobs boards  what fails
     3      2  WARNING in teapot_boil

`
	if got, _, _ := strings.Cut(out.String(), "Look further"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRunFails(t *testing.T) {
	f := func(url, prefix, want string) {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), &out, url, prefix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	f("", "demo-", "make demo")
	f("http://127.0.0.1:1", "", "make demo")
	f("http://user:secret@127.0.0.1:1", "demo-", "http://user:***@127.0.0.1:1") // nobody listens there
}
