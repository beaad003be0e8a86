// Package lavarest crawls a LAVA server by its REST API v0.2: it lists finished
// jobs and makes of each the body that its callback would have had. It needs no
// notify block and no rights but to see the jobs. It keeps nothing and knows
// nothing of Elasticsearch.
//
// The caveat that bites: LAVA ignores filters that it does not know, without a
// word, so each listed row is held against what was asked for.
package lavarest
