package main

import (
	"log/slog"

	"github.com/kcing/kcing/internal/fetch"
)

const defaultAPI = "https://api.kernelci.org"

func (o *sourceArgs) maestro(options fetch.Options, log *slog.Logger) (*origin, error) {
	return nil, usagef("maestro is not merged yet")
}
