package kibana

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// DefaultURL is where Kibana listens unless it is told otherwise.
const DefaultURL = "http://localhost:5601"

// Address is where a Kibana is, as people copy it from a browser.
type Address struct {
	// Base is scheme, host and base path without a slash at its end; it may hold
	// a user and a password, so String is what to show.
	Base *url.URL
	// Space is the one that the URL names (/s/lab); empty: none.
	Space string
}

// String is the base URL without user, password, query and fragment.
func (a Address) String() string {
	return (&url.URL{Scheme: a.Base.Scheme, Host: a.Base.Host, Path: a.Base.Path}).String()
}

// In is the base URL of a space, for a browser; the default space is "" or
// "default".
func (a Address) In(space string) string {
	if space == "" || space == "default" {
		return a.String()
	}
	return a.String() + "/s/" + space
}

// ParseAddress reads a KB_URL: with or without a scheme (http), a base path, a
// space (/s/NAME) and a page (/app/kibana and whatever follows), which is cut.
// The error does not quote the text, which may hold a password.
func ParseAddress(text string) (Address, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Address{}, errors.New("it is empty: it wants a URL such as " + DefaultURL)
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Address{}, errors.New("it is not a URL such as " + DefaultURL)
	}
	u.RawQuery, u.Fragment, u.ForceQuery = "", "", false
	segments := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	for i, s := range segments {
		if s == "app" { // what follows is a page
			segments = segments[:i]
			break
		}
	}
	a := Address{Base: u}
	if n := len(segments); n >= 2 && segments[n-2] == "s" {
		a.Space, segments = segments[n-1], segments[:n-2]
		if err := ValidateSpace(a.Space); err != nil {
			return Address{}, err
		}
	}
	u.Path, u.RawPath = "", ""
	if len(segments) > 0 {
		u.Path = "/" + strings.Join(segments, "/")
	}
	return a, nil
}

// ValidateSpace reports whether this may be the identifier of a space, which is
// what its URL has after /s/, not the name that people see. Empty is fine: the
// default space. From
// https://www.elastic.co/guide/en/kibana/8.19/spaces-api-post.html
func ValidateSpace(id string) error {
	for i := range len(id) {
		if c := id[i]; c != '_' && c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return fmt.Errorf("%q is not the identifier of a space: it has lower-case letters, digits, - and _, as "+
				"in the space's URL after /s/", id)
		}
	}
	return nil
}
