package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kcing/kcing/kibana"
)

// TestKeepBefore: two backups of one second are two files, and the same content
// is one.
func TestKeepBefore(t *testing.T) {
	now := time.Date(2026, 11, 23, 22, 15, 0, 0, time.UTC)
	a := &app{now: func() time.Time { return now }}
	dir := filepath.Join(t.TempDir(), "a[b]*") // nothing in it is a pattern
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f := func(content, want string) {
		t.Helper()
		name, err := a.keepBefore(dir, []kibana.Object{{Type: "lens", ID: "a", JSON: []byte(content)}}, nil)
		if err != nil || filepath.Base(name) != want {
			t.Fatalf("%s is kept in %s, want %s: %v", content, name, want, err)
		}
		text, err := os.ReadFile(name)
		if err != nil || string(text[:len(content)]) != content {
			t.Errorf("%s has %s, want %s: %v", name, text, content, err)
		}
	}
	f(`{"a":1}`, "kcing-kibana-20261123T221500Z.ndjson")
	f(`{"a":2}`, "kcing-kibana-20261123T221500Z-2.ndjson")
	f(`{"a":3}`, "kcing-kibana-20261123T221500Z-3.ndjson")
	f(`{"a":1}`, "kcing-kibana-20261123T221500Z.ndjson")
	now = now.Add(time.Hour)
	f(`{"a":2}`, "kcing-kibana-20261123T221500Z-2.ndjson")
	f(`{"a":4}`, "kcing-kibana-20261123T231500Z.ndjson")
}

// TestWriteWhole: what fails leaves neither a part nor another file.
func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.MkdirAll(filepath.Join(target, "inside"), 0o700); err != nil { // a folder cannot be replaced
		t.Fatal(err)
	}
	if err := writeWhole(target, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}
