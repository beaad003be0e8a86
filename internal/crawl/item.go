package crawl

import (
	"context"
	"time"
)

// Item is one record that an origin lists and that can be downloaded.
type Item struct {
	// Key is unique at its origin and stable: a node's id, a file's path, a job's
	// number. Never empty.
	Key string
	// ID names the sample file of this item, as lava_<ID>.json. Never empty.
	ID string
	// Kind is "build", "boot" or "lava".
	Kind string
	// Form is the kind that the transform is told; empty: it finds out by itself.
	Form string
	// Name says to people where it comes from: a URL without secrets.
	Name string
	// Lab, when set, is the lab_name of this callback.
	Lab string
	// Version changes when the record at the origin does. An item that was
	// finished with the same Version is not downloaded again.
	Version string
	// Time is when the record was made or last changed at its origin; zero when
	// that is not known before the download.
	Time time.Time
	// Fetch downloads the record.
	Fetch func(ctx context.Context) ([]byte, error)
}

// Window is what a crawl asks an origin for.
type Window struct {
	// From and To bound Item.Time, as exactly as the origin can; they are never
	// zero. Origins without times ignore them.
	From, To time.Time
	// Kinds are the wanted ones of the origin's; never empty.
	Kinds []string
}

// Origin lists what there is to download.
type Origin interface {
	// Kinds are the kinds of items that it can list.
	Kinds() []string
	// Items yields what lies in the window, in any order; the same key may come
	// twice. It returns yield's error as it is, and the time up to which the
	// listing is complete: Window.To or somewhat before it.
	Items(ctx context.Context, w Window, yield func(Item) error) (complete time.Time, err error)
	// Item makes the item again that an earlier run could not download; of it Key,
	// Kind, Name, Lab, Version and Time are known. An error counts as a failure to
	// download it.
	Item(ctx context.Context, was Item) (Item, error)
}
