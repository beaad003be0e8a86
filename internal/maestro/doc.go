// Package maestro asks Maestro, the API of today's KernelCI
// (https://github.com/kernelci/kernelci-api), what was built and booted, and
// makes the records of it that package transform takes. It keeps nothing, knows
// no Elasticsearch, and uses neither events nor pub/sub, which show no tests.
//
// The caveat that bites: the API knows no order and forgives every wrong filter
// with an empty answer, and a node that changes leaves the window that is being
// read. So Items reads closed windows until their totals agree, and may yield a
// node twice.
package maestro
