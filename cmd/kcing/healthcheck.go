package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
)

// healthURL is where serve listens for callbacks by default.
const healthURL = "http://127.0.0.1:8338/healthz"

func (a *app) healthcheckCommand() *cli.Command {
	s := new(settings)
	address, timeout := "", time.Duration(0)
	flags := []cli.Flag{
		&cli.StringFlag{
			Name: "url", EnvVars: env("KCING_HEALTH_URL"), Value: healthURL,
			Usage: "ask this `URL`; /readyz also tells whether records are delivered", Destination: &address,
		},
		&cli.DurationFlag{
			Name: "timeout", Value: 5 * time.Second, Usage: "wait `TIME` for the answer",
			Destination: &timeout, Action: positive,
		},
	}
	return &cli.Command{
		Name: "healthcheck", Usage: "ask a running kcing serve whether it is well",
		Description: "For containers, whose image has neither a shell nor curl. Exit code 0: it answered 200.\n\n" +
			"Example:\n   kcing healthcheck --url http://127.0.0.1:8338/readyz",
		Flags:  append(flags, s.logFlags()...),
		Action: func(c *cli.Context) error { return a.healthcheck(c.Context, address, timeout) },
	}
}

func (a *app) healthcheck(parent context.Context, address string, timeout time.Duration) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return usagef("--url (KCING_HEALTH_URL): it is not a URL such as %s", healthURL)
	}
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return usagef("--url (KCING_HEALTH_URL): it is not a URL such as %s", healthURL)
	}
	res, err := http.DefaultClient.Do(req)
	var lost *url.Error
	switch {
	case errors.As(err, &lost):
		return fmt.Errorf("no kcing serve at %s: %s (KCING_HEALTH_URL)",
			hostOf(lost.URL), elastic.ConnectionProblem(lost.Err, timeout, systemAuthorities))
	case err != nil:
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, _ := io.ReadAll(io.LimitReader(res.Body, 200))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", u.Redacted(), res.StatusCode, printable(string(body)))
	}
	_, err = fmt.Fprintln(a.stdout, "ok")
	return err
}
