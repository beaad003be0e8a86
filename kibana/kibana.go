// Package kibana holds the Kibana saved objects that go with kcing's documents:
// for now the data views, one a kind of document.
//
// It does not talk to Kibana; import the file in Stack Management → Saved
// Objects. The caveat that bites: the titles carry no index prefix, so with
// ES_INDEX_PREFIX set they have to be edited after the import.
package kibana

import _ "embed"

// DataViews is the saved objects file (NDJSON, one object a line, keys sorted as
// Kibana exports them) with the data views kcing-boot, kcing-build, kcing-log
// and kcing-test. Kibana 8.8 and later import it.
//
//go:embed data-views.ndjson
var DataViews []byte
