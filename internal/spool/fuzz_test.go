package spool

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

// FuzzDecode: no bytes panic, and what is accepted is what would be written.
func FuzzDecode(f *testing.F) {
	m := Meta{Kind: "lava", Key: "lab/1", Name: "x", Received: at}.normalized([]byte("payload"), nil)
	line, err := m.encode(len("payload"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, "payload"...))
	f.Add([]byte("{}\n"))
	f.Add([]byte(""))
	f.Add([]byte(`{"v":1,"size":-1}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, payload, err := decode(bytes.NewReader(file), int64(len(file)), true)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(file, payload) || sha256.Sum256(payload) != m.Digest {
			t.Errorf("accepted %q", file)
		}
		if _, _, err := decode(bytes.NewReader(file), int64(len(file)), false); err != nil {
			t.Errorf("the header alone: %v", err)
		}
	})
}

// FuzzParseName: a name is read only as it is written.
func FuzzParseName(f *testing.F) {
	f.Add(Item{received: 1, hash: 2, nonce: 3}.name("0123456789ab"))
	f.Add("0000000000000000001-0000000000000002-00000003-../../../../x.record")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		if it, owner, ok := parseName(name); ok && it.name(owner) != name {
			t.Errorf("%q is read as %q", name, it.name(owner))
		}
		_, _ = ownerOfFile(name)
	})
}

// FuzzKey: whatever the key, the record is stored under it and found by it.
func FuzzKey(f *testing.F) {
	for _, key := range hostileKeys {
		f.Add("lava", key)
	}
	dir := f.TempDir()
	s := open(f, dir, Options{})
	f.Fuzz(func(t *testing.T, kind, key string) {
		it, err := s.Put(t.Context(), Meta{Kind: kind, Key: key}, []byte(key))
		if err != nil {
			if len(kind)+len(key) < maxHeader/7 {
				t.Fatal(err)
			}
			return
		}
		if found, err := s.Find(kind, key); err != nil || len(found) != 1 || found[0] != it {
			t.Fatalf("%v, %v", found, err)
		}
		if err := s.Remove(it); err != nil {
			t.Fatal(err)
		}
	})
}
