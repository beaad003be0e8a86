package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/report"
	"github.com/kcing/kcing/kibana"
)

// kibanaSettings are the values of the flags that lead to Kibana.
type kibanaSettings struct {
	url         string
	credentials credentials
	space       string
	publicURL   string // of the same Kibana for a browser; "" is url
	wait        time.Duration
}

func (s *kibanaSettings) flags() []cli.Flag {
	url := &cli.StringFlag{
		Name: "kb-url", EnvVars: env("KB_URL"), Value: kibana.DefaultURL,
		Usage: "`URL` of Kibana with its base path; a page such as /app/kibana is cut", Destination: &s.url,
	}
	who := s.credentials.flags("kb", "Kibana's certificate")
	return inCategory("Kibana", slices.Concat([]cli.Flag{url}, who, []cli.Flag{s.spaceFlag()})...)
}

// linkFlags are for links alone: Kibana is not asked.
func (s *kibanaSettings) linkFlags() []cli.Flag {
	return inCategory("Kibana",
		&cli.StringFlag{
			Name: "kb-url", EnvVars: env("KB_URL"), Usage: "`URL` of Kibana, for the page's links into it",
			DefaultText: "no links", Destination: &s.url,
		},
		s.publicURLFlag(),
		s.spaceFlag(),
	)
}

func (s *kibanaSettings) spaceFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "kb-space", Aliases: []string{"space"}, EnvVars: env("KB_SPACE"), Usage: "identifier of the `SPACE`",
		DefaultText: "the default space", Destination: &s.space, Category: "Kibana",
	}
}

func (s *kibanaSettings) publicURLFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "kb-public-url", EnvVars: env("KB_PUBLIC_URL"),
		Usage: "`URL` of the same Kibana for a browser, for links", DefaultText: "KB_URL", Destination: &s.publicURL,
		Category: "Kibana",
	}
}

// forBrowser is the address at which a browser finds the space: that of KB_SPACE, else of KB_URL.
func (s *kibanaSettings) forBrowser() (string, error) {
	address, err := kibana.ParseAddress(cmp.Or(s.url, s.publicURL))
	if err != nil {
		return "", usagef("KB_URL: %v", err)
	}
	space := cmp.Or(s.space, address.Space)
	if s.publicURL != "" {
		if address, err = kibana.ParseAddress(s.publicURL); err != nil {
			return "", usagef("KB_PUBLIC_URL: %v", err)
		}
		space = cmp.Or(space, address.Space)
	}
	return address.In(space), nil
}

// links lead from a report into Kibana; without an address there are none.
func (s *kibanaSettings) links() (report.Links, error) {
	if s.url == "" && s.publicURL == "" {
		return report.Links{}, nil
	}
	base, err := s.forBrowser()
	return report.Links{Base: base}, err
}

func (s *kibanaSettings) waitFlag() cli.Flag {
	return &cli.DurationFlag{
		Name: "wait", Usage: "wait `TIME` at most for Kibana to be there and ready",
		DefaultText: "30s when it is starting, not at all when it is not there", Destination: &s.wait,
		Category: "Kibana", Action: positive,
	}
}

// startingFor is how long a Kibana that answers and is not ready is waited for
// without --wait.
const startingFor = 30 * time.Second

func (s *kibanaSettings) patience() kibana.Patience {
	if s.wait > 0 {
		return kibana.Patience{Starting: s.wait, Unreachable: s.wait}
	}
	return kibana.Patience{Starting: startingFor}
}
