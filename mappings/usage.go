package mappings

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// IndexUsage is one index of ours with what it holds.
type IndexUsage struct {
	Name string    `json:"name"`
	Kind string    `json:"kind"`
	Day  time.Time `json:"day"`  // midnight UTC
	Docs int64     `json:"docs"` // as of the last refresh; 0 for a closed index
	// Bytes on disk with replicas; 0 for a closed index.
	Bytes int64 `json:"bytes"`
}

// Usage is what the indices of one prefix hold.
type Usage struct {
	Docs    map[string]int64 `json:"docs"` // by kind; every kind has an entry
	Indices int              `json:"indices"`
	Bytes   int64            `json:"bytes"`
}

// Counts adds up the documents of each kind, the indices and their bytes.
// Documents show up in it after the index's next refresh (10 s).
func Counts(ctx context.Context, t Transport, prefix string) (Usage, error) {
	usage := Usage{Docs: make(map[string]int64, len(Kinds))}
	for _, kind := range Kinds {
		usage.Docs[kind] = 0
	}
	indices, err := list(ctx, t, prefix)
	if err != nil {
		return Usage{}, err
	}
	for _, index := range indices {
		usage.Docs[index.Kind] += index.Docs
		usage.Bytes += index.Bytes
		usage.Indices++
	}
	return usage, nil
}

// list returns our indices, open and closed, by name. Elasticsearch lists the
// concrete indices, also those that only have an alias under our patterns: the
// name decides, so an alias can lead nobody astray.
func list(ctx context.Context, t Transport, prefix string) ([]IndexUsage, error) {
	if err := ValidatePrefix(prefix); err != nil {
		return nil, err
	}
	request := esapi.CatIndicesRequest{
		Index: indexPatterns(prefix), Format: "json", Bytes: "b",
		H: []string{"index", "docs.count", "store.size"}, ExpandWildcards: "open,closed",
	}
	var rows []struct {
		Index string  `json:"index"`
		Docs  *string `json:"docs.count"` // null for a closed index
		Bytes *string `json:"store.size"`
	}
	if err := ask(ctx, t, "list indices", request, &rows); err != nil {
		return nil, err
	}
	var ours []IndexUsage
	for _, row := range rows {
		if kind, day, ok := ParseIndexName(prefix, row.Index); ok {
			ours = append(ours, IndexUsage{
				Name: row.Index, Kind: kind, Day: day, Docs: number(row.Docs), Bytes: number(row.Bytes),
			})
		}
	}
	slices.SortFunc(ours, func(a, b IndexUsage) int { return cmp.Compare(a.Name, b.Name) })
	return ours, nil
}

// number is 0 for what is not known.
func number(s *string) int64 {
	if s == nil {
		return 0
	}
	n, err := strconv.ParseInt(*s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
