package intake

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kcing/kcing/internal/kinds"
)

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"a b\n", "# c\n\na b c\n", "a *\r\nb\tlab", "a\n", "a b\na c\n", "\xef\xbb\xbfa b",
		"a \xff\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseTokens(data)
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%d tokens and error %v", len(list), err)
		}
		for _, known := range list {
			if known.lab != AnyLab && LabFault(known.lab) != "" {
				t.Errorf("lab %q", known.lab)
			}
		}
	})
}

func FuzzLabName(f *testing.F) {
	for _, s := range []string{"lab_name=a", "x=y&lab_name=a%20b", "lab_name=", "lab_name=%zz", "lab%5fname=a;b",
		"&&=&lab_name", "lab_name=%ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		lab, refusal := queryLab(query)
		if refusal != nil {
			if lab != "" || refusal.Status < 400 || refusal.Status > 499 || !utf8.ValidString(refusal.Reason) {
				t.Fatalf("lab %q, refusal %v", lab, refusal)
			}
			return
		}
		if lab != "" && LabFault(lab) != "" {
			t.Fatalf("lab %q was taken", lab)
		}
		// Where net/url can read the query, both say the same.
		if values, err := url.ParseQuery(query); err == nil && values.Get("lab_name") != lab {
			t.Fatalf("lab %q, net/url says %q", lab, values.Get("lab_name"))
		}
	})
}

// FuzzHandler posts arbitrary bodies under arbitrary headers: one answer, of a
// status that the design names, JSON when it is an error, and no memory kept.
func FuzzHandler(f *testing.F) {
	f.Add("/", "lab_name=a", "application/json", "", "secret-a", "", []byte(callback))
	f.Add("/node/65f1", "", "application/x-www-form-urlencoded", "", "Token secret-a", "id-1", []byte("a=b"))
	f.Add("/callback/lava/test", "lab_name=%zz", "text/plain", "gzip", "Bearer secret-a", "\x00",
		packed(f, []byte(callback)))
	f.Add("/../x", "", "", "gzip", "secret-a", "", packed(f, make([]byte, 10_000))[:20])
	tokens := &Tokens{}
	list, err := parseTokens([]byte("secret-a lab-a\n"))
	if err != nil {
		f.Fatal(err)
	}
	tokens.list.Store(&list)
	s := newStand(Config{Tokens: tokens, Limits: Limits{RecordBytes: 4096}})
	f.Fuzz(func(t *testing.T, path, query, contentType, encoding, authorization, id string, body []byte) {
		s.box.empty()
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.URL.Path, r.URL.RawQuery = path, query
		for k, v := range map[string]string{"Content-Type": contentType, "Content-Encoding": encoding,
			"Authorization": authorization, "X-Request-Id": id} {
			r.Header.Set(k, v)
		}
		w := s.do(kinds.LAVA, r)
		accepted, refused := s.box.count()
		switch w.Code {
		case 200:
			if accepted > 1 || refused > 0 {
				t.Fatalf("%d accepted, %d refused", accepted, refused)
			}
		case 400, 413, 415, 422:
			if refused != 1 {
				t.Fatalf("%d: %d refused", w.Code, refused)
			}
			fallthrough
		case 401, 403, 405:
			if accepted != 0 || !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%d: %d accepted, answer %s", w.Code, accepted, w.Body)
			}
		default:
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if s.bodies.used.Load() != 0 {
			t.Fatalf("%d bytes not given back", s.bodies.used.Load())
		}
		if strings.ContainsAny(w.Header().Get("X-Request-Id"), "\r\n \x00") {
			t.Fatalf("request id %q", w.Header().Get("X-Request-Id"))
		}
		s.log.mu.Lock()
		s.log.buf.Reset()
		s.log.mu.Unlock()
	})
}
