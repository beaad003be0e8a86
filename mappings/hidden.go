package mappings

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/oneline"
)

// findHidden notes for each change the template of somebody else that Elasticsearch
// applies to today's index in place of ours: it uses the matching one of the highest
// priority alone, and under another than ours all fields have guessed types. Who may
// not ask learns nothing, and that is no error.
func findHidden(ctx context.Context, t Transport, prefix string, changes []Change) error {
	type installed struct {
		Name     string `json:"name"`
		Template struct {
			Patterns []string `json:"index_patterns"`
			Priority int64    `json:"priority"`
		} `json:"index_template"`
	}
	var answer struct {
		Templates []installed `json:"index_templates"`
	}
	request := esapi.IndicesGetIndexTemplateRequest{FilterPath: []string{
		"index_templates.name", "index_templates.index_template.index_patterns",
		"index_templates.index_template.priority",
	}}
	err := ask(ctx, t, "list index templates", request, &answer)
	if err != nil && !errors.Is(err, elastic.ErrCredentials) {
		return err
	}
	for i := range changes {
		ours := slices.IndexFunc(answer.Templates, func(a installed) bool { return a.Name == changes[i].Template })
		if ours < 0 {
			continue
		}
		index := IndexName(prefix, Kinds[i], time.Now())
		highest := answer.Templates[ours].Template.Priority
		for _, other := range answer.Templates {
			matches := slices.ContainsFunc(other.Template.Patterns, func(pattern string) bool {
				yes, _ := path.Match(pattern, index) // only * means something in both
				return yes
			})
			if matches && other.Template.Priority > highest {
				highest = other.Template.Priority
				changes[i].HiddenBy = fmt.Sprintf("%s (priority %d)", oneline.Of(other.Name), highest)
			}
		}
	}
	return nil
}
