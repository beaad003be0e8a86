package crawl

import (
	"context"
	"time"

	"github.com/kcing/kcing/state"
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
	// Form is the kind that the transform takes it for; empty: it finds out by itself.
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
	// Record is what the download will be, where that is known beforehand, and
	// Level how much it can know ([state.Known]): when such a record has come some
	// other way and knew as much, nothing is downloaded. Zero: not known.
	Record state.Key
	Level  uint8
	// Fetch downloads the record. With an error that wraps source.ErrTooLarge it
	// may return the record's beginning: then it is no failure, but refused.
	Fetch func(ctx context.Context) ([]byte, error)
}

// Window is what a crawl asks an origin for.
type Window struct {
	// From and To bound Item.Time, as exactly as the origin can; they are never
	// zero. Origins without times ignore them.
	From, To time.Time
	// Kinds are the wanted ones of the origin's; never empty.
	Kinds []string
	// Total, when not nil, may be told how many items the window has, as far as
	// that is known.
	Total func(n int64)
}

// Newester is an Origin that finds its newest items by itself.
type Newester interface {
	// Newest yields the newest n items of the window, whose From may be zero: as
	// far back as there are any.
	Newest(ctx context.Context, w Window, n int, yield func(Item) error) error
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
