package mappings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// hiddenBy names the template of somebody else that Elasticsearch applies to
// today's index in place of ours, with its priority; empty when ours counts.
// Elasticsearch uses one template an index: under another one all fields have
// guessed types. Who may not ask learns nothing, and that is no error.
func hiddenBy(ctx context.Context, t Transport, prefix, kind string) (string, error) {
	index := IndexName(prefix, kind, time.Now())
	overlapping, err := superseded(ctx, t, index)
	if refusedCredentials(err) {
		return "", nil
	}
	if err != nil || !slices.Contains(overlapping, TemplateName(prefix, kind)) {
		return "", err
	}
	const op = "list index templates"
	response, err := esapi.IndicesGetIndexTemplateRequest{FilterPath: []string{
		"index_templates.name", "index_templates.index_template.index_patterns", "index_templates.index_template.priority",
	}}.Do(ctx, t)
	body, err := read(op, response, err)
	if refusedCredentials(err) {
		return "another template", nil
	}
	if err != nil {
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
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("%s: answer is not Elasticsearch's: %w", op, err)
	}
	by := "another template"
	for _, other := range answer.Templates {
		matches := slices.ContainsFunc(other.Template.Patterns, func(p string) bool { return matchesPattern(p, index) })
		if matches && !slices.Contains(overlapping, other.Name) {
			by = fmt.Sprintf("%s (priority %d)", oneLine(other.Name), other.Template.Priority)
		}
	}
	return by, nil
}

// superseded are the templates that match the index and are not applied to it.
func superseded(ctx context.Context, t Transport, index string) ([]string, error) {
	op := "simulate index " + index
	response, err := esapi.IndicesSimulateIndexTemplateRequest{Name: index, FilterPath: []string{"overlapping.name"}}.Do(ctx, t)
	body, err := read(op, response, err)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Overlapping []struct {
			Name string `json:"name"`
		} `json:"overlapping"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: answer is not Elasticsearch's: %w", op, err)
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

func refusedCredentials(err error) bool {
	var refused *ResponseError
	return errors.As(err, &refused) && refused.credentials()
}
