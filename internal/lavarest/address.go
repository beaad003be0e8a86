package lavarest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kcing/kcing/internal/fetch"
)

// Lab is a LAVA server of a list.
type Lab struct {
	// Name is the lab's, with which ids begin: the one that was given, else the
	// URL's host.
	Name string
	// Given tells that the name was given.
	Given bool
	// URL is where the server's pages begin: the path's prefix included, without
	// a slash at its end.
	URL string
}

// ParseLabs reads a list such as "lab-a=https://lava.example.org,https://b.example.org/lava".
// The address may be one that was copied in a browser, of a job for instance.
func ParseLabs(list string) ([]Lab, error) {
	var labs []Lab
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		lab, err := parseLab(part)
		if err != nil {
			return nil, err
		}
		for _, other := range labs {
			switch {
			case other.URL == lab.URL:
				return nil, fmt.Errorf("%s is there twice", lab.URL)
			case other.Name == lab.Name:
				return nil, fmt.Errorf("%s and %s are both called %q, and job numbers are unique in one lab only: "+
					"name them, as in name=URL", other.URL, lab.URL, lab.Name)
			}
		}
		labs = append(labs, lab)
	}
	if len(labs) == 0 {
		return nil, errors.New("there is no URL in it")
	}
	return labs, nil
}

func parseLab(text string) (Lab, error) {
	name, address, given := strings.Cut(text, "=")
	if !given || strings.ContainsAny(name, ":/?") { // an equals sign of the URL's own
		name, address, given = "", text, false
	}
	name = strings.TrimSpace(name)
	if given && name == "" {
		return Lab{}, errors.New("there is no name before the equals sign; write name=URL, or the URL alone")
	}
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return Lab{}, fmt.Errorf("%s is not a URL such as https://lava.example.org", quoted(address))
	case u.User != nil:
		return Lab{}, errors.New("a name and password do not belong into the URL; use --lava-token (LAVA_TOKEN)")
	}
	u.Path, u.RawPath = prefixOf(u.Path), ""
	u.Host = strings.ToLower(u.Host)
	if !given {
		name = u.Hostname()
	}
	return Lab{Name: name, Given: given, URL: fetch.Redact(u.String())}, nil
}

// quoted shows what the user typed, unless there may be a password in it.
func quoted(address string) string {
	if strings.Contains(address, "@") {
		return "it"
	}
	return fmt.Sprintf("%.60q", address)
}

// pages are the first parts of the paths of LAVA's own pages: before them stands
// the prefix under which a server lives.
var pages = []string{"api", "scheduler", "results", "accounts", "admin", "static", "RPC2"}

// prefixOf cuts a path of one of LAVA's pages down to the prefix.
func prefixOf(path string) string {
	var prefix []string
	for part := range strings.SplitSeq(path, "/") {
		if slices.Contains(pages, part) {
			break
		}
		if part != "" {
			prefix = append(prefix, part)
		}
	}
	if len(prefix) == 0 {
		return ""
	}
	return "/" + strings.Join(prefix, "/")
}
