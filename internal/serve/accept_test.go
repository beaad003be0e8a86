package serve

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// spoil damages one file of the spool.
func spoil(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.record"))
	if err != nil || len(names) == 0 {
		t.Fatal("no file", err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[0], whole[:len(whole)-3], 0o600); err != nil {
		t.Fatal(err)
	}
}

// Hopeless posts get their status, and are among the rejects without secrets.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		time.Sleep(time.Second)
		n := 0
		f := func(payload string, status int, class string) {
			t.Helper()
			n++
			p := &intake.Post{Kind: kinds.LAVA, Payload: []byte(payload), Remote: "10.0.0.9", Received: time.Now()}
			err := r.Accept(t.Context(), p)
			var refusal *intake.Refusal
			if !errors.As(err, &refusal) || refusal.Status != status || refusal.Type != class || refusal.Reason == "" {
				t.Errorf("%s: %v", payload, err)
			}
			found := false
			for _, reject := range r.store.rejected() {
				if strings.Contains(string(reject.Body), "s3cret") {
					t.Errorf("a secret is kept: %s", reject.Body)
				}
				found = found || reject.Type == class && reject.Source == "posted by 10.0.0.9" &&
					reject.Reason == refusal.Reason
			}
			if !found || len(r.store.rejected()) != n {
				t.Errorf("%s: rejects %+v", payload, r.store.rejected())
			}
		}
		f(`[1]`, 422, "unknown_kind")
		f(`1`, 400, "not_an_object")
		f(`{"id":`, 400, "not_json")
		f(`{"token":"s3cret-token","results":{}}`, 422, "no_id")
		f(`{"id":7,"token":"s3cret-token"}`, 422, "no_results")
		f(`{"id":7,"lab_name":" ","results":{"lava":"- {}"},"log":"x","definition":"x"}`, 422, "empty_lab_name")
		kept := len(r.store.rejected())
		var refusal *intake.Refusal
		running := &intake.Post{Kind: kinds.LAVA,
			Payload: []byte(`{"id":8,"lab_name":"l","status":0,"results":{},"definition":"x"}`)}
		if err := r.Accept(t.Context(), running); !errors.As(err, &refusal) || refusal.Status != 422 ||
			!refusal.NoReject ||
			!strings.Contains(refusal.Reason, "still submitted") || len(r.store.rejected()) != kept {
			t.Errorf("a job in the queue: %v, %d rejects more", err, len(r.store.rejected())-kept)
		}
		if st := r.spool.Stats(); st.Records != 0 {
			t.Errorf("spooled: %+v", st)
		}
		if err := r.Accept(t.Context(), &intake.Post{Kind: kinds.LAVA, Payload: []byte(" \n")}); err != nil {
			t.Errorf("blank: %v", err)
		}
		r.end()
	})
}

// What the intake itself refuses is among the rejects too.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		time.Sleep(time.Second)
		p := &intake.Post{Kind: kinds.LAVA, Payload: []byte(`{"id":1,"token":"s3cret`), Size: 99 << 20,
			Lab: "lab-a", Remote: "10.0.0.1", Received: time.Now()}
		r.Refused(t.Context(), p, &intake.Refusal{Status: 413, Type: "too_large", Reason: "99 MB"})
		rejects := r.store.rejected()
		if len(rejects) != 1 {
			t.Fatalf("%+v", rejects)
		}
		got := rejects[0]
		if got.Type != "too_large" || got.Reason != "99 MB" || !got.Truncated || got.Size != 99<<20 ||
			got.Lab != "lab-a" || bytes.Contains(got.Body, []byte("s3cret")) {
			t.Errorf("%+v, body %s", got, got.Body)
		}
		r.store.set(&state.LockedError{})
		r.Refused(t.Context(), p, &intake.Refusal{Status: 413, Type: "too_large", Reason: "99 MB"})
		if log := r.log.String(); !strings.Contains(log, "not among the rejects") || strings.Contains(log, "s3cret") {
			t.Errorf("%s", log)
		}
		r.store.set(nil)
		r.end()
	})
}

// Query, body and token may each name the lab.
func TestLab(t *testing.T) {
	r := newRig(t, nil)
	f := func(query, body, token, want string, status int) {
		t.Helper()
		p := &intake.Post{Kind: kinds.LAVA, Payload: callback(1, body), Lab: query, TokenLab: token,
			Received: time.Now()}
		if body == "" {
			p.Payload = bytes.Replace(p.Payload, []byte(`"lab_name": "",`), nil, 1)
		}
		err := r.Accept(t.Context(), p)
		var refusal *intake.Refusal
		switch {
		case status != 0 && (!errors.As(err, &refusal) || refusal.Status != status):
			t.Errorf("query %q, body %q, token %q: %v, want %d", query, body, token, err, status)
		case status != 0:
			if n := r.spool.Stats().Records; n != 0 && status == 403 {
				t.Errorf("a refused post is in the spool")
			}
			_ = r.spool.Remove(r.spool.Items()...) // without state it becomes a reject from there
			return
		case err != nil || p.Lab != want || p.Key != want+"/1":
			t.Errorf("query %q, body %q, token %q: lab %q, key %q, %v, want %q", query, body, token, p.Lab, p.Key, err,
				want)
		}
		items := r.spool.Items()
		if len(items) != 1 {
			t.Fatalf("%d spooled", len(items))
		}
		m, _, err := r.spool.Read(items[0])
		if err != nil || labOf(m) != want {
			t.Errorf("spooled %+v, %v", m, err)
		}
		_ = r.spool.Remove(items...)
	}
	f("", "b", "", "b", 0)
	f("q", "b", "", "q", 0)
	f("", "", "", "", 422)
	f("", "", "t", "t", 0)
	f("", "t", "t", "t", 0)
	f("t", "other", "t", "t", 0) // the query wins over the body, and agrees
	f("", "other", "t", "", 403)
}

func TestFullSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *Config, o *spool.Options) { o.MaxRecords = 2 })
		r.es.set(func(e *elastic) { e.away = true })
		r.start()
		r.accept(1, 2)
		for range 100 {
			var busy *intake.Busy
			if err := r.Accept(t.Context(), post(3)); !errors.As(err, &busy) || busy.RetryAfter != retryAfter {
				t.Fatalf("%v", err)
			}
		}
		r.accept(1) // it is there already
		if n := strings.Count(r.log.String(), "posts are answered 503"); n != 1 {
			t.Errorf("%d lines", n)
		}
		if reasons := strings.Join(r.Ready(), "; "); !strings.Contains(reasons, "at its limit of 2 (records)") {
			t.Errorf("ready: %s", reasons)
		}
		r.es.set(func(e *elastic) { e.away = false })
		time.Sleep(2 * time.Minute)
		r.accept(3)
		time.Sleep(10 * time.Second)
		r.wantDelivered(1, 2, 3)
		r.end()
	})
}

// FuzzAccept: no body panics; what is accepted is spooled under a key.
func FuzzAccept(f *testing.F) {
	f.Add("lava", callback(1, "lab-a"), "q", "t")
	f.Add("boot", []byte(`{"id":"x"}`), "", "")
	f.Add("build", []byte(`{}`), "\x00", "")
	s, err := spool.Open(f.TempDir(), spool.Options{})
	if err != nil {
		f.Fatal(err)
	}
	server := New(Config{Spool: s})
	f.Fuzz(func(t *testing.T, kind string, payload []byte, lab, token string) {
		p := &intake.Post{Kind: kind, Payload: payload, Lab: lab, TokenLab: token, Received: time.Now()}
		err := server.Accept(t.Context(), p)
		var refusal *intake.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if err == nil && len(bytes.TrimSpace(payload)) > 0 && p.Key == "" {
			t.Error("accepted without a key")
		}
		_ = s.Remove(s.Items()...)
	})
}
