package state

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestDayKeysSortByTime(t *testing.T) {
	times := []time.Time{
		{}, time.UnixMilli(math.MinInt64), time.UnixMilli(math.MaxInt64), time.Unix(-1, 0), time.Unix(0, 0),
		time.Date(1969, 12, 30, 23, 59, 0, 0, time.UTC), time.Date(2024, 3, 10, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 3, 9, 23, 59, 59, 999e6, time.UTC),
	}
	slices.SortFunc(times, time.Time.Compare)
	var last []byte
	for _, at := range times {
		k := dayKey(at, tagFinished, []byte("lava\x001"))
		if bytes.Compare(k, last) < 0 {
			t.Errorf("%v sorts before its predecessor", at)
		}
		last = k
		day, tag, key, err := splitDayKey(k)
		if err != nil || day != dayOf(at) || tag != tagFinished || string(key) != "lava\x001" {
			t.Errorf("%v: %d %c %q %v", at, day, tag, key, err)
		}
	}
	if dayOf(time.Unix(-1, 0)) != -1 || dayOf(time.Unix(86400, 0)) != 1 {
		t.Error("days are not whole UTC days")
	}
}

func TestEntriesAreCompact(t *testing.T) {
	at := time.Date(2024, 3, 10, 11, 12, 13, 0, time.UTC)
	b := encodeFinished(Finished{Digest: [16]byte{1}, Time: at, At: at.Add(time.Hour), Documents: 1500, Rejected: 2})
	if len(b) > 32 {
		t.Errorf("%d bytes", len(b))
	}
}

// The encodings give back what they got, and decoding takes any bytes.
func FuzzFinished(f *testing.F) {
	f.Add(encodeFinished(Finished{}))
	f.Add(encodeFinished(Finished{Digest: [16]byte{1}, Time: time.UnixMilli(1e12), At: time.UnixMilli(1e12 + 5),
		Documents: 7, Rejected: 1}))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeFinished(b)
		if err != nil {
			if !errors.Is(err, errDecode) {
				t.Errorf("got %v", err)
			}
			return
		}
		if again, err := decodeFinished(encodeFinished(v)); err != nil || again != v {
			t.Errorf("%x: %+v, then %+v, %v", b, v, again, err)
		}
		_ = dayKey(v.Time, tagFinished, nil)
	})
}

func FuzzBegun(f *testing.F) {
	f.Add(encodeBegun(Begun{}))
	f.Add(encodeBegun(Begun{Digest: [16]byte{1}, Time: time.UnixMilli(1e12), Level: 6}))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeBegun(b)
		if err != nil {
			if !errors.Is(err, errDecode) {
				t.Errorf("got %v", err)
			}
			return
		}
		if again, err := decodeBegun(encodeBegun(v)); err != nil || again != v {
			t.Errorf("%x: %+v, then %+v, %v", b, v, again, err)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("lava\x00lab/1"))
	f.Add([]byte("\x80\x00\x4d\x52flava\x00lab/1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := decodeKey(b); err == nil {
			if again, err := k.bytes(); len(b) <= maxKeyBytes && (err != nil || !bytes.Equal(again, b)) {
				t.Errorf("%q: %+v, then %q, %v", b, k, again, err)
			}
		}
		if _, tag, key, err := splitDayKey(b); err == nil && (len(key) == 0 || tag == 0) {
			t.Errorf("%q: no key", b)
		}
		if at, err := decodeReceipt(b); err == nil {
			if again, err := decodeReceipt(encodeReceipt(at)); err != nil || !again.Equal(at) {
				t.Errorf("%x: %v, then %v, %v", b, at, again, err)
			}
		}
		_, _ = splitTimeKey(b)
		_ = decodeCount(b)
		_, _ = decodeJSON[Run](b)
	})
}

func FuzzReject(f *testing.F) {
	f.Add([]byte(`{"id":"a","received":1}`), []byte("body"))
	f.Add([]byte(`{"id":"a","received":-9223372036854775808,"time":9223372036854775807}`),
		bytes.Repeat([]byte("x"), 5000))
	f.Fuzz(func(t *testing.T, meta, body []byte) {
		if m, err := decodeRejectMeta(meta); err == nil {
			if again := metaOf(m.reject()); len(m.Kind) < maxTypeBytes && len(m.Type) < maxTypeBytes && m.Attempts > 0 {
				m.Kind = noNUL(m.Kind)
				if m.Time != nil && fromMillis(*m.Time).IsZero() {
					m.Time = nil
				}
				if !reflect.DeepEqual(again, m) {
					t.Errorf("\n got %+v\nwant %+v", again, m)
				}
			}
			_, _ = timeKey(m), recordKey(m)
		}
		packed, err := new(packer).pack(body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unpackBody(packed); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes became %d, %v", len(body), len(got), err)
		}
		if len(packed) > len(body)+11 {
			t.Errorf("%d bytes became %d", len(body), len(packed))
		}
		_, _ = unpackBody(body)
		_, _ = unpackBody(append([]byte{bodyGzip, 200, 1}, body...))
	})
}

// Any bytes as a file: told apart without a panic.
func FuzzPages(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 1024})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 200 {
		if err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte{'b', byte(i % 3)})
			if err != nil {
				return err
			}
			return b.Put(fmt.Appendf(nil, "key %d", i), make([]byte, i*10))
		}); err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed[:64<<10])
	f.Add(make([]byte, 3*4096))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _, ok := parseMeta(b)
		if len(b) < 2*1024 {
			return
		}
		if pages := uint64(len(b) / 1024); !ok || m.pageSize != 1024 || m.pages > pages {
			m = meta{pageSize: 1024, root: uint64(b[0]), freelist: uint64(b[1]), pages: pages}
		}
		problems := 0
		_ = walkPages(bytes.NewReader(b), m, func(format string, args ...any) {
			_ = fmt.Sprintf(format, args...)
			problems++
		})
		if problems == 0 && m.root < 2 {
			t.Error("a root among the meta pages was not noticed")
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add("boots", "5e3a", "2024-03-10 11:12:13.456789+00:00")
	f.Add("lava", "lab/1", "1710068333.5")
	f.Fuzz(func(t *testing.T, kind, oid, created string) {
		v, err := parseRow([]string{kind, oid, created})
		if err != nil {
			return
		}
		if _, err := v.Key.bytes(); err != nil || v.Digest != (Digest{}) || v.Time.Nanosecond()%1e6 != 0 {
			t.Errorf("got %+v, %v", v, err)
		}
	})
}

// FuzzItems: whatever a damaged file holds is an item or an error.
func FuzzItems(f *testing.F) {
	f.Add([]byte("maestro https://x\x00123"), []byte(`{"v":"1","k":"lava","r":"lab/7","t":1700000000000}`))
	f.Add([]byte("a\x00k"), []byte(`{"kind":"lava","name":"n","version":"1","time":1,"attempts":1,"first":1,"last":2,"error":"e"}`))
	f.Add([]byte("nokey"), []byte(`{`))
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if c, err := decodeCrawled(k, v); err == nil && (c.Source == "" || c.Key == "") {
			t.Errorf("%+v", c)
		}
		if u, err := decodeUnfetched(k, v); err == nil && (u.Source == "" || u.Key == "") {
			t.Errorf("%+v", u)
		}
	})
}
