package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/kibana"
)

func (a *app) backupKibanaCommand() *cli.Command {
	s := new(settings)
	file, all := "", false
	flags := []cli.Flag{
		&cli.StringFlag{
			Name: "file", Usage: "write to `FILE`, - for stdout; a file that is there is replaced",
			DefaultText: "kcing-kibana-DATE.ndjson", Destination: &file,
		},
		&cli.BoolFlag{
			Name: "all",
			Usage: "all dashboards, visualizations, searches, maps, tags and queries of the space, " +
				"not only kcing's",
			Destination: &all,
		},
		s.jsonFlag(), s.kibana.waitFlag(),
	}
	return &cli.Command{
		Name: "backup-kibana", Aliases: []string{"backup_kbn"},
		Usage: "export the dashboards from Kibana into a file",
		Description: "Writes kcing's objects, as they are in Kibana now, and what they refer to. Objects\n" +
			"that nobody changed give the same bytes each time, so the file can be kept in git.\n" +
			"`kcing setup-kibana FILE` imports it again.\n\n" +
			"Example:\n   kcing backup-kibana --file kcing-kibana.ndjson",
		Flags: slices.Concat(flags, s.kibana.flags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			if file == "-" && s.json {
				return usagef("--file - and --json both write to stdout")
			}
			return a.withLog(s, func(log *slog.Logger) error { return a.backupKibana(c.Context, s, file, all, log) })
		},
	}
}

// backupKibanaReport is the report of backup-kibana --json.
type backupKibanaReport struct {
	Kibana  string             `json:"kibana"`
	Version string             `json:"version,omitempty"`
	Space   string             `json:"space"`
	File    string             `json:"file"`
	Objects int                `json:"objects"`
	Bytes   int                `json:"bytes"`
	Missing []kibana.Reference `json:"missing"` // referred to, and not there
}

func (a *app) backupKibana(ctx context.Context, s *settings, file string, all bool, log *slog.Logger) error {
	client, status, err := a.openKibana(ctx, &s.kibana, log)
	if err != nil {
		return err
	}
	objects, missing, err := exportObjects(ctx, client, all)
	if err != nil {
		return kibanaProblem(err, client)
	}
	data, err := kibana.File(objects, missing)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		log.Warn("some objects refer to objects that are not in the space; those cannot be in the file",
			"missing", len(missing), "first", missing[0].String())
	}
	if file == "-" {
		_, err := a.stdout.Write(data)
		return err
	}
	if file == "" {
		file = a.backupName(".")
	}
	if err := writeWhole(file, data, 0o600); err != nil {
		return err
	}
	r := backupKibanaReport{
		Kibana: client.Address().String(), Version: status.Version, Space: client.Space(), File: file,
		Objects: len(objects), Bytes: len(data), Missing: append([]kibana.Reference{}, missing...),
	}
	if s.json {
		return a.writeJSON(r)
	}
	_, err = fmt.Fprintf(a.stdout, "%s of Kibana at %s, space %s, in %s (%s)\n",
		plural(r.Objects, "object"), r.Kibana, r.Space, r.File, bytesText(int64(r.Bytes)))
	return err
}

// exportObjects exports what is ours with all that it needs, or all there is.
func exportObjects(ctx context.Context, client *kibana.Client, all bool) ([]kibana.Object, []kibana.Reference, error) {
	if all {
		objects, missing, err := client.Export(ctx, kibana.Content())
		if err == nil && len(objects) == 0 {
			err = fmt.Errorf("there is nothing to export in the space %s of the Kibana at %s",
				client.Space(), client.Address())
		}
		return objects, missing, err
	}
	objects, _, err := client.Export(ctx, kibana.Kcing())
	if err != nil {
		return nil, nil, err
	}
	objects = slices.DeleteFunc(objects, func(o kibana.Object) bool { return !kibana.Ours(o) })
	if len(objects) == 0 {
		return nil, nil, fmt.Errorf("there is nothing of kcing's in the space %s of the Kibana at %s; "+
			"`kcing setup-kibana` imports the dashboards, --all exports what others made",
			client.Space(), client.Address())
	}
	wanted := make([]kibana.Reference, len(objects))
	for i, o := range objects {
		wanted[i] = o.Reference()
	}
	return client.Export(ctx, kibana.Selection{Objects: wanted, References: true})
}

// backupName is a name in dir that nobody has yet, and that sorts by time.
func (a *app) backupName(dir string) string {
	stem := filepath.Join(dir, "kcing-kibana-"+a.now().UTC().Format("20060102T150405Z"))
	name := stem + ".ndjson"
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name // what is wrong with the folder shows when it is written
		}
		name = fmt.Sprintf("%s-%d.ndjson", stem, n)
	}
}

// keepBefore writes what will be replaced to a dated file in dir and returns its
// name. When such a file says the same already, it is that one: who runs
// setup-kibana at each start does not collect copies.
func (a *app) keepBefore(dir string, objects []kibana.Object, missing []kibana.Reference) (string, error) {
	data, err := kibana.File(objects, missing)
	if err != nil {
		return "", err
	}
	folder := os.DirFS(dir)
	names, err := fs.Glob(folder, "kcing-kibana-*.ndjson")
	if err != nil {
		return "", err
	}
	for _, name := range slices.Backward(names) { // sorted: the last first
		if was, err := fs.ReadFile(folder, name); err == nil && bytes.Equal(was, data) {
			return filepath.Join(dir, name), nil
		}
	}
	name := a.backupName(dir)
	return name, writeWhole(name, data, 0o600)
}
