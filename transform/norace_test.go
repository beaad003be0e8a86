//go:build !race

package transform

import "testing"

func alone(*testing.T) {}
