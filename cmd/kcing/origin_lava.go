package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/lavarest"
)

// lava makes an origin of each LAVA server. lab is the name that was given from
// outside LAVA_URL, which says it for one server only.
func (o *sourceArgs) lava(s *settings, options fetch.Options, lab string, now func() time.Time) ([]*origin, error) {
	labs, err := o.labs(s, lab)
	if err != nil {
		return nil, err
	}
	jobs, err := o.jobList(labs)
	if err != nil {
		return nil, err
	}
	tokens, err := o.tokensOf(labs)
	if err != nil {
		return nil, err
	}
	var all []*origin
	for _, lab := range labs {
		from := lavarest.New(lavarest.Options{Lab: lab, Token: tokens[lab.Name], Jobs: jobs,
			MaxRecordBytes: int64(s.maxRecordBytes), Fetch: options, Now: now})
		site := crawl.Site{Name: "lava " + cursorName(lab), Origin: from, Clock: from.Clock,
			Downloads: lavarest.Requests}
		all = append(all, &origin{site: site, what: "LAVA", setting: "LAVA_URL", url: lab.URL, check: from.Check,
			lab: lab.Name})
	}
	return all, nil
}

// cursorName is a server in state: under another name its jobs are other records.
func cursorName(lab lavarest.Lab) string {
	if lab.Given {
		return lab.Name + "=" + lab.URL
	}
	return lab.URL
}

// labs are the servers of LAVA_URL by their names.
func (o *sourceArgs) labs(s *settings, lab string) ([]lavarest.Lab, error) {
	if strings.TrimSpace(o.lavaURL) == "" {
		return nil, usagef("--source lava wants --lava-url (LAVA_URL), such as https://lava.example.org, " +
			"or name=URL with the lab's name")
	}
	labs, err := lavarest.ParseLabs(o.lavaURL)
	switch {
	case err != nil:
		return nil, usagef("--lava-url (LAVA_URL): %v", err)
	case len(labs) > 1 && lab != "":
		return nil, usagef("--lab-name names one lab, and --lava-url (LAVA_URL) has %d: "+
			"name each there, as in name=URL",
			len(labs))
	case lab != "":
		labs[0].Name, labs[0].Given = lab, true
	case len(labs) == 1 && !labs[0].Given && s.lab != "": // KCING_LAB, of a place with one lab
		labs[0].Name, labs[0].Given = s.lab, true
	}
	for _, l := range labs {
		if fault := intake.LabFault(l.Name); fault != "" {
			return nil, usagef("--lava-url (LAVA_URL): the lab's name %.40q %s", l.Name, fault)
		}
	}
	return labs, nil
}

func (o *sourceArgs) jobList(labs []lavarest.Lab) ([]lavarest.Range, error) {
	switch {
	case o.jobs == "":
		return nil, nil
	case len(labs) > 1:
		return nil, usagef("--jobs names jobs of one lab, and --lava-url (LAVA_URL) has %d", len(labs))
	case o.howMany > 0:
		return nil, usagef("--jobs names the jobs, so --how-many has nothing to choose: leave one out")
	}
	jobs, err := lavarest.ParseJobs(o.jobs)
	if err != nil {
		return nil, usagef("--jobs: %v", err)
	}
	return jobs, nil
}

// tokensOf finds each lab's token. None goes to a lab that it was not meant for.
func (o *sourceArgs) tokensOf(labs []lavarest.Lab) (map[string]string, error) {
	tokens := map[string]string{}
	if o.lavaToken != "" {
		if len(labs) > 1 {
			return nil, usagef("--lava-token (LAVA_TOKEN) is of one lab, and --lava-url (LAVA_URL) has %d: "+
				"write --lava-tokens FILE (LAVA_TOKENS), a line `token lab_name` each", len(labs))
		}
		token, err := tokenText(o.lavaToken)
		if err != nil {
			return nil, usagef("--lava-token (LAVA_TOKEN): %v", err)
		}
		tokens[labs[0].Name] = token
	}
	if o.lavaTokens == "" {
		return tokens, nil
	}
	data, err := os.ReadFile(o.lavaTokens)
	if err != nil {
		return nil, usagef("--lava-tokens (LAVA_TOKENS): %v", err)
	}
	lines, err := intake.ReadTokens(data)
	if err != nil {
		return nil, usagef("--lava-tokens (LAVA_TOKENS): %s: %v", o.lavaTokens, err)
	}
	for _, line := range lines {
		known := slices.ContainsFunc(labs, func(l lavarest.Lab) bool { return l.Name == line.Lab })
		switch {
		case !known: // of a lab that some other run crawls
		case tokens[line.Lab] != "":
			return nil, usagef("--lava-tokens (LAVA_TOKENS): %s: lab %q has two tokens", o.lavaTokens, line.Lab)
		default:
			tokens[line.Lab] = line.Secret
		}
	}
	if len(tokens) == 0 {
		return nil, usagef("--lava-tokens (LAVA_TOKENS): %s has no token for any of the labs: %s",
			o.lavaTokens, labNames(labs))
	}
	return tokens, nil
}

// tokenText is a token without the word that LAVA wants before it in a header.
func tokenText(setting string) (string, error) {
	token := strings.TrimSpace(setting)
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "Token") {
		token = strings.TrimSpace(rest)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("it holds characters that no token has")
	}
	return token, nil
}

func labNames(labs []lavarest.Lab) string {
	var names []string
	for _, l := range labs {
		names = append(names, fmt.Sprintf("%q", l.Name))
	}
	return strings.Join(names, ", ")
}

// maskedLabs is LAVA_URL without what may be secret in it.
func maskedLabs(text string) string {
	if text == "" {
		return ""
	}
	labs, err := lavarest.ParseLabs(text)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	var shown []string
	for _, l := range labs {
		shown = append(shown, cursorName(l))
	}
	return strings.Join(shown, ",")
}
