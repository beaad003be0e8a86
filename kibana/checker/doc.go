// Package checker holds no code, only the tests that hold kcing's saved objects
// to what Kibana 8.19 and 9.x import, to our index templates and to documents:
// Kibana itself cannot run in tests.
//
// check finds what can be said of a file alone, checkData what its panels show
// of made-up records counted here in Go, and TestPanelsOnElasticsearch that a
// real Elasticsearch finds the same. mutants_test.go breaks the file once for
// each rule. TestTwoClicks follows the links as somebody does who looks at a failed
// boot. models.py, which make kibana-models runs, holds the file to models by others.
//
// The caveat that bites: nothing here is rendered. Whether a chart looks well is
// seen in Kibana only.
package checker
