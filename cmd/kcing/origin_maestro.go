package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/maestro"
)

// maestro is the source of today's KernelCI.
func (o *sourceArgs) maestro(options fetch.Options, log *slog.Logger) (*origin, error) {
	client := fetch.New(options)
	api, err := maestro.New(maestro.Options{BaseURL: o.api, Token: o.apiToken, Fetch: client, Logger: log})
	if err != nil {
		return nil, usagef("%v", err)
	}
	return front(maestroOrigin{api}, sourceMaestro, "KCI_API", api.Base(), client), nil
}

// maestroOrigin lets a crawl ask Maestro.
type maestroOrigin struct{ api *maestro.Client }

// Kinds implements [crawl.Origin].
func (m maestroOrigin) Kinds() []string { return []string{"build", "lava"} }

// Items implements [crawl.Origin].
func (m maestroOrigin) Items(ctx context.Context, w crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	return m.api.Items(ctx, maestro.Window{From: w.From, To: w.To, Kinds: w.Kinds},
		func(it maestro.Item) error { return yield(m.item(it)) })
}

// Item implements [crawl.Origin].
func (m maestroOrigin) Item(ctx context.Context, was crawl.Item) (crawl.Item, error) {
	it, err := m.api.Item(ctx, was.Key)
	return m.item(it), stopping(err)
}

// item leaves the lab to the record, which names it itself.
func (m maestroOrigin) item(it maestro.Item) crawl.Item {
	return crawl.Item{Key: it.ID, ID: it.ID, Kind: it.Kind, Form: "maestro", Name: it.URL, Version: it.Version,
		Time: it.Updated,
		Fetch: func(ctx context.Context) ([]byte, error) {
			record, err := m.api.Record(ctx, it)
			return record, stopping(err)
		}}
}

// stopping makes refused credentials end the crawl.
func stopping(err error) error {
	if errors.Is(err, maestro.ErrDenied) {
		return fmt.Errorf("%w: %w", crawl.ErrStop, err)
	}
	return err
}
