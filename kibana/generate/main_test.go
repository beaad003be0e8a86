package main

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"testing"
)

// Whoever edits a page's source here and forgets go generate, or edits a file
// that the generator will overwrite, is told.
func TestObjectsAreUpToDate(t *testing.T) {
	const folder = "../objects"
	made := map[string]bool{}
	for _, o := range all() {
		name, want, err := o.file()
		if err != nil {
			t.Fatal(err)
		}
		if made[name] {
			t.Errorf("%s is made twice", name)
		}
		made[name] = true
		if got, err := os.ReadFile(path.Join(folder, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs (%v): run go generate ./kibana", name, err)
		}
	}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !made[name] {
			t.Errorf("%s is not made any more: run go generate ./kibana", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrite(t *testing.T) {
	folder := path.Join(t.TempDir(), "objects")
	if err := os.MkdirAll(path.Join(folder, "lens"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := path.Join(folder, "lens", "kcing-old.json")
	if err := os.WriteFile(old, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("a file of an object that is gone stays")
	}
	if _, err := os.Stat(path.Join(folder, "dashboard", "kcing-home.json")); err != nil {
		t.Error(err)
	}
}
