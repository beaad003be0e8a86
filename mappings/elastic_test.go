package mappings

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8"

	"github.com/kcing/kcing/internal/estest"
)

func TestMain(m *testing.M) { os.Exit(estest.Main(m)) }

// client is a real Elasticsearch.
type client struct{ *elasticsearch.BaseClient }

func connect(t *testing.T, url string) client {
	t.Helper()
	es, err := elasticsearch.NewBaseClient(elasticsearch.Config{Addresses: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	return client{es}
}

func (c client) do(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.Perform(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func (c client) mustDo(t *testing.T, method, path, body string) []byte {
	t.Helper()
	status, answer := c.do(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

// index stores a document; it returns the refusal.
func (c client) index(t *testing.T, index, id, doc string) string {
	t.Helper()
	status, answer := c.do(t, "PUT", "/"+index+"/_doc/"+id, doc)
	if status < 300 {
		return ""
	}
	return string(answer)
}

// bulk sends a bulk body; it returns each item's refusal.
func (c client) bulk(t *testing.T, index, body string) []string {
	t.Helper()
	var answer struct {
		Items []map[string]struct {
			Error json.RawMessage `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(c.mustDo(t, "POST", "/"+index+"/_bulk", body), &answer); err != nil {
		t.Fatal(err)
	}
	refusals := make([]string, len(answer.Items))
	for i, item := range answer.Items {
		for _, result := range item {
			refusals[i] = string(result.Error)
		}
	}
	return refusals
}

type searchAnswer struct {
	Hits struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
		Hits []struct {
			ID      string           `json:"_id"`
			Ignored []string         `json:"_ignored"`
			Fields  map[string][]any `json:"fields"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]struct {
		Value   float64 `json:"value"`
		Buckets []struct {
			Key   any `json:"key"`
			Count int `json:"doc_count"`
		} `json:"buckets"`
	} `json:"aggregations"`
}

func (c client) search(t *testing.T, index string, body any) searchAnswer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	c.mustDo(t, "POST", "/"+index+"/_refresh", "")
	var answer searchAnswer
	if err := json.Unmarshal(c.mustDo(t, "POST", "/"+index+"/_search", string(text)), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
