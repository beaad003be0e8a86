package mappings

import (
	"errors"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/elastic"
)

func TestResponseError(t *testing.T) {
	f := func(status int, body string, credentials bool, want ...string) {
		t.Helper()
		es := transport(func(string, string) (int, string) { return status, body })
		_, err := Counts(t.Context(), es, "")
		if err == nil {
			t.Fatalf("%d: no error", status)
		}
		if got := errors.Is(err, elastic.ErrCredentials); got != credentials {
			t.Errorf("%d: credentials %v: %v", status, got, err)
		}
		text := err.Error()
		if strings.ContainsAny(text, "\n\r\t\x00") || len(text) > 900 {
			t.Errorf("%d: not one readable line: %q", status, text)
		}
		for _, part := range append(want, "list indices") {
			if !strings.Contains(text, part) {
				t.Errorf("%d: no %q in %q", status, part, text)
			}
		}
	}
	f(401, elasticError("security_exception", "unable to authenticate"), true, "401", "security_exception",
		"ES_API_KEY")
	f(401, "", true, "401", "ES_API_KEY")
	f(403, elasticError("security_exception", "action is unauthorized"), true, "403", "manage_index_templates")
	f(403, "<html>\n<h1>Forbidden</h1>\x00", true, "Forbidden")
	f(403, elasticError("cluster_block_exception", "read-only"), false, "disk")
	f(400, `{"error":{"type":"illegal_argument_exception","reason":"bad\nthing","caused_by":{"type":"x","reason":"really"}}}`, false, "bad thing (really)")
	f(400, `{"error":"no handler found for uri","status":400}`, false, "no handler")
	f(400, `{"error":["odd"]}`, false, "odd")
	f(500, strings.Repeat("\u00e9", 4000), false, "500", "health")
	f(503, `{`, false, "503")
	f(0, "", false, "did not answer", "ES_HOST", "connection refused")
	f(200, "ok", false, "not Elasticsearch's")
}

func TestInstallWithoutElasticsearch(t *testing.T) {
	es := transport(func(string, string) (int, string) { return 0, "" })
	if changes, err := Install(t.Context(), es, InstallOptions{}); err == nil || len(changes) != 0 {
		t.Errorf("%v, %v", changes, err)
	}
	if _, err := Install(t.Context(), es, InstallOptions{Reset: true, OnlyMissing: true}); err == nil {
		t.Error("contradicting options are accepted")
	}
	if _, err := Install(t.Context(), es, InstallOptions{Prefix: "log-"}); err == nil {
		t.Error("a bad prefix is accepted")
	}
	odd := transport(func(string, string) (int, string) { return 200, `{"index_templates":{}}` })
	if _, err := Status(t.Context(), odd, ""); err == nil {
		t.Error("a strange answer is accepted")
	}
}
