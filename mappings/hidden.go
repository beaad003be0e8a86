package mappings

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/oneline"
)

// hiddenBy names the template of somebody else that Elasticsearch applies to
// today's index in place of ours, with its priority; empty when ours counts.
// Elasticsearch uses one template an index: under another one all fields have
// guessed types. Who may not ask learns nothing, and that is no error.
func hiddenBy(ctx context.Context, t Transport, prefix, kind string) (string, error) {
	index := IndexName(prefix, kind, time.Now())
	overlapping, err := superseded(ctx, t, index)
	if errors.Is(err, elastic.ErrCredentials) {
		return "", nil
	}
	if err != nil || !slices.Contains(overlapping, TemplateName(prefix, kind)) {
		return "", err
	}
	var answer struct {
		Templates []struct {
			Name     string `json:"name"`
			Template struct {
				Patterns []string `json:"index_patterns"`
				Priority int64    `json:"priority"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	request := esapi.IndicesGetIndexTemplateRequest{FilterPath: []string{
		"index_templates.name", "index_templates.index_template.index_patterns",
		"index_templates.index_template.priority",
	}}
	err = ask(ctx, t, "list index templates", request, &answer)
	if err != nil && !errors.Is(err, elastic.ErrCredentials) {
		return "", err
	}
	by := "another template"
	for _, other := range answer.Templates {
		matches := slices.ContainsFunc(other.Template.Patterns, func(p string) bool { return matchesPattern(p, index) })
		if matches && !slices.Contains(overlapping, other.Name) {
			by = fmt.Sprintf("%s (priority %d)", oneline.Of(other.Name), other.Template.Priority)
		}
	}
	return by, nil
}

// superseded are the templates that match the index and are not applied to it.
func superseded(ctx context.Context, t Transport, index string) ([]string, error) {
	var answer struct {
		Overlapping []struct {
			Name string `json:"name"`
		} `json:"overlapping"`
	}
	request := esapi.IndicesSimulateIndexTemplateRequest{Name: index, FilterPath: []string{"overlapping.name"}}
	if err := ask(ctx, t, "simulate index "+index, request, &answer); err != nil {
		return nil, err
	}
	names := make([]string, len(answer.Overlapping))
	for i, other := range answer.Overlapping {
		names[i] = other.Name
	}
	return names, nil
}

// matchesPattern is Elasticsearch's way with index patterns: * is any text.
func matchesPattern(pattern, index string) bool {
	re := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile(`\A` + re + `\z`).MatchString(index)
}
