//go:build !race

package intake

const crowdSize = 10_000
