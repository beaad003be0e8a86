package legacy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// Defaults of Options: the public site as it was.
const (
	DefaultHost       = "kernelci.org"
	DefaultScheme     = "https"
	DefaultNonLavaLab = "lab-baylibre-seattle"
)

const (
	// page is how many records are asked for at once: what the front end's own
	// pages ask for.
	page = 1000
	// tokenTries is how often a refused request gets a new token before the crawl
	// gives up. Tokens are valid for 20 to 50 seconds.
	tokenTries = 5
)

// Options of New. The zero value crawls the public site.
type Options struct {
	// Host is the front end's, with a port if need be; storage is
	// "storage." before it. Empty: DefaultHost.
	Host string
	// Scheme is http or https; empty: DefaultScheme.
	Scheme string
	// Storage is the storage server's URL, for a mirror that calls it otherwise;
	// empty: from Scheme and Host.
	Storage string
	// NonLavaLab is the lab that stores boot records instead of LAVA callbacks;
	// empty: DefaultNonLavaLab.
	NonLavaLab string
	// Fetch is how to download; its Jar is replaced, since a token belongs to a
	// session.
	Fetch fetch.Options
}

// Origin is a front end. It implements [crawl.Origin].
type Origin struct {
	base, storage, nonLava string
	client                 *fetch.Client
	token                  string
}

// New makes an origin. The error says which setting is wrong.
func New(o Options) (*Origin, error) {
	o.Host, o.Scheme = cmp.Or(o.Host, DefaultHost), cmp.Or(o.Scheme, DefaultScheme)
	o.NonLavaLab = cmp.Or(o.NonLavaLab, DefaultNonLavaLab)
	if o.Scheme != "http" && o.Scheme != "https" {
		return nil, fmt.Errorf("KCI_SCHEME: %q is neither http nor https", o.Scheme)
	}
	u, err := url.Parse(o.Scheme + "://" + o.Host)
	if err != nil || u.Host != o.Host || u.Hostname() == "" {
		return nil, errors.New("KCI_HOST: it is not a host name such as kernelci.org")
	}
	o.Storage = cmp.Or(o.Storage, o.Scheme+"://storage."+o.Host)
	if o.Fetch.Jar, err = cookiejar.New(nil); err != nil {
		return nil, err
	}
	return &Origin{
		base: u.String(), storage: strings.TrimRight(o.Storage, "/"), nonLava: o.NonLavaLab, client: fetch.New(o.Fetch),
	}, nil
}

// URL is where the front end is, for people and for state.
func (o *Origin) URL() string { return o.base }

// Client is what it downloads with.
func (o *Origin) Client() *fetch.Client { return o.client }

// Kinds implements [crawl.Origin].
func (o *Origin) Kinds() []string { return []string{"build", "boot", "lava"} }

// Items implements [crawl.Origin]. The front end knows whole days only, so the
// window is widened to them.
func (o *Origin) Items(ctx context.Context, w crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	days := int((time.Since(w.From) + 24*time.Hour - 1) / (24 * time.Hour))
	wants := map[string]bool{}
	for _, kind := range w.Kinds {
		wants[kind] = true
	}
	within := func(it crawl.Item) error {
		if !wants[it.Kind] || !it.Time.IsZero() && it.Time.After(w.To) {
			return nil
		}
		return yield(it)
	}
	if wants["build"] {
		if err := o.pages(ctx, "build", max(days, 1), within); err != nil {
			return time.Time{}, err
		}
	}
	if wants["boot"] || wants["lava"] {
		if err := o.pages(ctx, "boot", max(days, 1), within); err != nil {
			return time.Time{}, err
		}
	}
	return w.To, nil
}

// pages lists one collection to its end.
func (o *Origin) pages(ctx context.Context, collection string, days int, yield func(crawl.Item) error) error {
	var first objectID // of the page before
	for skip := 0; ; {
		query := url.Values{
			"date_range": {strconv.Itoa(days)}, "skip": {strconv.Itoa(skip)}, "limit": {strconv.Itoa(page)},
			"sort": {"created_on"}, "sort_order": {"1"},
		}
		body, err := o.ajax(ctx, o.base+"/_ajax/"+collection+"?"+query.Encode())
		if err != nil {
			return err
		}
		var answer struct {
			Result []record `json:"result"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return fmt.Errorf("%s/_ajax/%s, from record %d: the answer is not what a KernelCI front end says: %w",
				o.base, collection, skip, err)
		}
		if len(answer.Result) == 0 {
			return nil
		}
		if first != "" && answer.Result[0].ID == first {
			return fmt.Errorf("%s/_ajax/%s: the page from record %d on is the one before it again: "+
				"this front end does not page (it ignores skip)", o.base, collection, skip)
		}
		first = answer.Result[0].ID
		for _, r := range answer.Result {
			if it, ok := o.item(collection, r); ok {
				if err := yield(it); err != nil {
					return err
				}
			}
		}
		skip += len(answer.Result)
	}
}

// record is what is needed of a build or boot in a listing.
type record struct {
	ID       objectID  `json:"_id"`
	Resource string    `json:"file_server_resource"`
	Lab      string    `json:"lab_name"`
	Board    string    `json:"board"`
	Created  timestamp `json:"created_on"`
}

// item finds the file of a record; false when it names none.
func (o *Origin) item(collection string, r record) (crawl.Item, bool) {
	resource := strings.Trim(r.Resource, "/")
	if r.ID == "" || resource == "" {
		return crawl.Item{}, false
	}
	it := crawl.Item{
		ID: string(r.ID), Kind: "build", Time: time.Time(r.Created), Version: string(r.ID),
		Key: resource + "/build.json",
	}
	if collection == "boot" {
		if r.Lab == "" || r.Board == "" {
			return crawl.Item{}, false
		}
		it.Lab = r.Lab
		it.Kind, it.Key = "lava", resource+"/"+r.Lab+"/lava-json-"+r.Board+".json"
		if r.Lab == o.nonLava {
			it.Kind, it.Key = "boot", resource+"/"+r.Lab+"/boot-"+r.Board+".json"
		}
	}
	return o.located(it), true
}

// located gives an item its URL and its download.
func (o *Origin) located(it crawl.Item) crawl.Item {
	it.Form = it.Kind
	parts := strings.Split(it.Key, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	at := o.storage + "/" + strings.Join(parts, "/")
	it.Name = fetch.Redact(at)
	it.Fetch = func(ctx context.Context) ([]byte, error) { return o.client.Get(ctx, at, nil) }
	return it
}

// Item implements [crawl.Origin].
func (o *Origin) Item(_ context.Context, was crawl.Item) (crawl.Item, error) {
	was.ID = was.Version
	return o.located(was), nil
}

// ajax makes a request as the front end's own pages do: with the token that its
// pages hold. Any refusal may mean that the token is over.
func (o *Origin) ajax(ctx context.Context, at string) ([]byte, error) {
	for try := 0; ; try++ {
		if o.token == "" {
			if err := o.refresh(ctx); err != nil {
				return nil, err
			}
		}
		body, err := o.client.Get(ctx, at, http.Header{"X-Csrftoken": {o.token}})
		var refused *fetch.StatusError
		if err == nil || !errors.As(err, &refused) || try+1 == tokenTries {
			return body, err
		}
		o.token = ""
	}
}

var tokenTag = regexp.MustCompile(`(?s)<meta[^>]*csrf-token[^>]*>`)
var tokenContent = regexp.MustCompile(`content\s*=\s*["']([^"']+)["']`)

// readToken finds the token in a page of the front end.
func readToken(html []byte) (string, bool) {
	m := tokenContent.FindSubmatch(tokenTag.Find(html))
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}

// refresh asks the front end for a new token.
func (o *Origin) refresh(ctx context.Context) error {
	html, err := o.client.Get(ctx, o.base+"/", nil)
	if err != nil {
		return err
	}
	token, ok := readToken(html)
	if !ok {
		return fmt.Errorf("the page at %s/ holds no csrf-token: it is no front end of the old KernelCI (KCI_HOST); "+
			"today's KernelCI is --source maestro", o.base)
	}
	o.token = token
	return nil
}
