package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// credentials say to a server who asks, and to us whether it is the right one. Those
// of Elasticsearch are never sent to Kibana, nor the other way round.
type credentials struct{ apiKey, username, password, caCert string }

// flags are --es-api-key (ES_API_KEY) and its like for the server es, --kb-api-key and
// so on for kb; certificates are those that caCert is for.
func (c *credentials) flags(server, certificates string) []cli.Flag {
	flag := func(name, usage, normal string, to *string) cli.Flag {
		name = server + "-" + name
		return &cli.StringFlag{
			Name: name, EnvVars: env(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))), Usage: usage,
			DefaultText: normal, Destination: to,
		}
	}
	return []cli.Flag{
		flag("api-key", "API `KEY` (base64, as Kibana shows it)", "none", &c.apiKey),
		flag("username", "`NAME` for basic authentication", "", &c.username),
		flag("password", "`PASSWORD` for basic authentication", "none", &c.password),
		flag("ca-cert", "PEM `FILE` with the authority that signed "+certificates, "", &c.caCert),
	}
}
