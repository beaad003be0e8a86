package transform

import "fmt"

// Limits on one record. A record that exceeds one is refused with a reason that
// names the limit; none of them depends on the machine.
const (
	// MaxDepth is how deep objects and arrays may nest. Elasticsearch's own
	// parser stops at 1,000; a real record stays below 10.
	MaxDepth = 100
	// MaxFields is how many members all objects of one record may have together.
	MaxFields = 200_000
	// MaxDocuments is how many documents of one kind one record may become: log
	// lines, and rows of results.
	MaxDocuments = 200_000
	// MaxOutput is how many bytes all documents of one record may have together.
	MaxOutput = 256 << 20
	// MaxYAMLBytes is how much text is handed to the YAML library at once
	// (a suite, a definition, or a log whose lines cannot be told apart).
	MaxYAMLBytes = 4 << 20
	// MaxYAMLNodes is how many YAML nodes are visited for one record, aliases
	// followed. It is what stops alias expansion ("billion laughs").
	MaxYAMLNodes = 2_000_000
)

func errTooLarge(part string) error {
	return refuse("too_large", part, fmt.Sprintf("becomes more than %d MiB of documents", MaxOutput>>20))
}
