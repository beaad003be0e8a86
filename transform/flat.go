package transform

import (
	"bytes"

	"github.com/kcing/kcing/internal/jsontext"
)

// build makes the one document of a build.
func (r *Record) build(d *Documents) {
	fields := r.fields
	if r.nested() {
		fields = r.flattened()
	}
	d.begin(buildDoc)
	d.open()
	for _, f := range fields {
		d.field(f)
	}
	d.member("build_key", buildKey(func(name string) string { return lookup(fields, name) }))
	d.tags()
	d.end()
}

// boot makes the one document of a boot from a lab without LAVA.
func (r *Record) boot(d *Documents) {
	fields := r.fields
	if kernel := r.value("kernel"); kernel != nil && r.value("git_describe") == nil {
		fields = append(fields, jsontext.Field{Name: []byte("git_describe"), Raw: kernel})
	}
	get := func(name string) string { return lookup(fields, name) }
	d.begin(bootDoc)
	d.open()
	for _, f := range fields {
		switch string(f.Name) {
		case "fastboot":
			continue
		case "boot_result":
			f.Raw = bytes.ToLower(f.Raw)
		}
		d.field(f)
	}
	d.member("build_key", buildKey(get))
	d.member("boot_key", bootKey(get))
	d.tags()
	d.end()
}

func lookup(fields []jsontext.Field, name string) string {
	for _, f := range fields {
		if string(f.Name) == name && string(f.Raw) != "null" {
			return jsontext.ScalarText(f.Raw)
		}
	}
	return ""
}

// nested reports whether this is a bmeta.json of KernelCI's last legacy years, which
// groups its fields; earlier ones are flat.
func (r *Record) nested() bool {
	object := func(name string) bool { v := r.value(name); return len(v) > 0 && v[0] == '{' }
	return object("revision") && (object("build") || object("environment") || object("kernel"))
}

// flatNames gives members of bmeta.json's groups the names that they had in
// build.json. Members not listed keep their own name. An empty name drops one.
var flatNames = map[string]string{
	"build.duration":            "build_time",
	"build.status":              "build_result",
	"environment.name":          "build_environment",
	"environment.platform":      "build_platform",
	"kernel.describe":           "kernel",
	"kernel.fragments":          "kconfig_fragments",
	"kernel.image":              "kernel_image",
	"kernel.publish_path":       "file_server_resource",
	"revision.branch":           "git_branch",
	"revision.commit":           "git_commit",
	"revision.describe":         "git_describe",
	"revision.describe_verbose": "git_describe_v",
	"revision.tree":             "job",
	"revision.url":              "git_url",
}

// isGroup reports whether a field of bmeta.json is one of its groups.
func isGroup(f jsontext.Field) bool {
	switch string(f.Name) {
	case "build", "environment", "kernel", "revision":
		return f.Raw[0] == '{'
	}
	return false
}

// flattened is a nested bmeta.json with the fields of the flat shape, in source
// order. A field of the top level wins over a group's member of the same name.
func (r *Record) flattened() []jsontext.Field {
	var flat []jsontext.Field
	taken := map[string]bool{}
	add := func(name string, raw []byte) {
		if name = topName(name, raw); !taken[name] && string(raw) != "null" {
			taken[name] = true
			flat = append(flat, jsontext.Field{Name: []byte(name), Raw: raw})
		}
	}
	for _, f := range r.fields {
		if !isGroup(f) {
			add(string(f.Name), f.Raw)
		}
	}
	for _, g := range r.fields {
		if isGroup(g) {
			for m := range jsontext.Members(appendValue(nil, g.Raw)) {
				addFlat(add, string(g.Name), m)
			}
		}
	}
	return flat
}

// addFlat adds a group's member under the name that it had in the flat shape.
func addFlat(add func(name string, raw []byte), group string, m jsontext.Field) {
	name := string(m.Name)
	if old, ok := flatNames[group+"."+name]; ok {
		name = old
	}
	if name == "build_platform" && m.Raw[0] == '{' {
		for p := range jsontext.Members(m.Raw) { // the old field was the list alone
			if string(p.Name) == "uname" {
				m.Raw = p.Raw
			}
		}
	}
	add(name, m.Raw)
	if group == "revision" && string(m.Name) == "describe" {
		add("kernel", m.Raw) // the old "kernel" was the describe's text
	}
}
