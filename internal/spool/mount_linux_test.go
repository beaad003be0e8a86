package spool

import (
	"errors"
	"syscall"
	"testing"
)

// TestFullDisk: nothing of a record remains for which there was no room, and
// what was stored before is whole. Only root may mount the small disk.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("kcing", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	stored := 0
	for ; err == nil && stored < 100; stored++ {
		_, err = s.Put(t.Context(), Meta{Received: at}, make([]byte, 100_000))
	}
	stored--
	var full *FullError
	if !errors.As(err, &full) || full.Records != stored || stored == 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d: %v", stored, err)
	}
	if n := len(files(t, dir, "")); n != stored+1 {
		t.Errorf("%d files after %d records", n, stored)
	}
	if err := s.Room(); !errors.As(err, &full) || full.Limit != "disk" {
		t.Errorf("Room: %v", err)
	}
	if n := len(files(t, dir, "")); n != stored+1 {
		t.Errorf("%d files after Room", n)
	}
	items := s.Items()
	for _, it := range items {
		if _, _, err := s.Read(it); err != nil {
			t.Error(err)
		}
	}
	if err := s.Remove(items[0]); err != nil {
		t.Error(err)
	}
	if err := s.Room(); err != nil { // though no Put has tried
		t.Errorf("Room after room was made: %v", err)
	}
	if _, err := s.Put(t.Context(), Meta{}, make([]byte, 100_000)); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}
