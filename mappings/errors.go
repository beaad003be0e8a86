package mappings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/elastic"
)

// Transport sends a request to one of the Elasticsearch nodes. It is called from
// one goroutine at a time. A refusal is an [*elastic.Error] with a hint.
type Transport = elastic.Transport

// ask sends a request and reads the JSON of its answer into answer; nil: it is
// only acknowledged.
func ask(ctx context.Context, t Transport, op string, r esapi.Request, answer any) error {
	body, err := elastic.Do(ctx, t, op, r)
	var refused *elastic.Error
	if errors.As(err, &refused) {
		refused.Hint = hint(refused)
	}
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("%s: answer is not Elasticsearch's: %w", op, err)
	}
	return nil
}

func hint(e *elastic.Error) string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check ES_API_KEY, or ES_USERNAME and ES_PASSWORD"
	case errors.Is(e, elastic.ErrCredentials):
		return "the user of ES_API_KEY or ES_USERNAME needs the cluster privilege manage_index_templates" +
			" and, on our indices, view_index_metadata, monitor and delete_index"
	case e.Blocked():
		return "the cluster or the index is blocked: look for a full disk or a read-only setting"
	case strings.Contains(e.Reason, "have the same priority"):
		return "remove or re-prioritise the other template, or choose another ES_INDEX_PREFIX"
	case e.Type == "snapshot_in_progress_exception":
		return "try again when the snapshot is finished"
	case e.Status == http.StatusTooManyRequests || e.Status >= 500:
		return "look at Elasticsearch's health and log, then try again"
	}
	return ""
}

// notFound reports whether Elasticsearch answered that it is not there.
func notFound(err error) bool {
	var refused *elastic.Error
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}
