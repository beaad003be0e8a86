package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/jsontext"
)

func TestRedact(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got := Redact([]byte(in))
		if string(got) != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if again := Redact(got); !bytes.Equal(again, got) {
			t.Errorf("%s: a second time gives %s", in, again)
		}
	}
	f(`{"id":1,"token":"s3cret","lab_name":"x"}`, `{"id":1,"token":"REDACTED","lab_name":"x"}`)
	f(`{"Token" : "s3\"cr\\et" }`, `{"Token" : "REDACTED" }`)
	f(`{"token":12,"x":{"AUTHORIZATION":["a","b"]}}`, `{"token":"REDACTED","x":{"AUTHORIZATION":"REDACTED"}}`)
	f(`{"headers":{"http_authorization":"Token s3cret","X-Auth-Token":"s"}}`,
		`{"headers":{"http_authorization":"REDACTED","X-Auth-Token":"REDACTED"}}`)
	f(`{"token":null,"token":"","tokens":"kept","note":"token: kept"}`,
		`{"token":null,"token":"REDACTED","tokens":"kept","note":"token: kept"}`)
	f(`{"log":"- {\"msg\": \"token: kept, \\\"token\\\": \\\"kept\\\"\"}\n"}`,
		`{"log":"- {\"msg\": \"token: kept, \\\"token\\\": \\\"kept\\\"\"}\n"}`)
	f(`{"definition":{"notify":{"callback":{"token":"s3cret"}}}}`,
		`{"definition":{"notify":{"callback":{"token":"REDACTED"}}}}`)
	f("\xef\xbb\xbf"+` {"token":"s3cret"} `, "\xef\xbb\xbf"+` {"token":"REDACTED"} `)
	f("{\"a\":\"\xff\",\"token\":\"s\"}", "{\"a\":\"\xff\",\"token\":\"REDACTED\"}")
	f(`{"a" : 1.50, "b":"\u00e9\/"}`, `{"a" : 1.50, "b":"\u00e9\/"}`)
	f(`{"url":"https://u:s3cret@h/x?sv=1&sig=s3%3D&se=2","b":"http://s3cret@h?sig=s","c":"https:\/\/h\/a@b"}`,
		`{"url":"https://REDACTED@h/x?sv=1&sig=REDACTED&se=2","b":"http://REDACTED@h?sig=REDACTED","c":"https:\/\/h\/a@b"}`)
	f(`{"url":"https://h/x?sv=1\u0026sig=s3cret\u0026se=2","note":"sig=kept, a@b"}`,
		`{"url":"https://h/x?sv=1\u0026sig=REDACTED\u0026se=2","note":"sig=kept, a@b"}`)
	f(`{"callback":{"definition":"token: s3cret\n"}}`, `{"callback":{"definition":"token: \"REDACTED\"\n"}}`)
	f(`{"submitter_email":"a@b.example","build_key":"kept"}`, `{"submitter_email":"REDACTED","build_key":"kept"}`)
	f(``, ``)
}

func TestRedactDefinition(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		wrap := func(s string) []byte {
			return []byte(`{"a": 1.50,"definition":` + quoteJSON(t, s) + `,"log":"token: kept"}`)
		}
		got := Redact(wrap(in))
		if !bytes.Equal(got, wrap(want)) {
			t.Errorf("%s\n got %s\nwant %s", in, got, wrap(want))
		}
		if again := Redact(got); !bytes.Equal(again, got) {
			t.Errorf("%s: a second time gives %s", in, again)
		}
	}
	f("notify:\n  callback:\n    token: s3cret\n    url: http://x/\n",
		"notify:\n  callback:\n    token: \"REDACTED\"\n    url: http://x/\n")
	f("notify: {callback: {token: s3cret, url: 'x'}}", "notify: {callback: {token: \"REDACTED\", url: 'x'}}")
	f("callback: {url: x, token: s3cret}\n", "callback: {url: x, token: \"REDACTED\"}\n")
	f(`{"notify": {"callback": {"token": "s3\"cret", "url": "x"}}}`,
		`{"notify": {"callback": {"token": "REDACTED", "url": "x"}}}`)
	f("token: 's3''cret'\nb: c\n", "token: \"REDACTED\"\nb: c\n")
	f("Authorization: Token s3cret, and more\n", "Authorization: \"REDACTED\", and more\n")
	f("token: !!str s3cret\n", "token: !!str \"REDACTED\"\n")
	f("token: &t s3cret\n", "token: &t \"REDACTED\"\n")
	f("token: |-\n  s3cret\nb: c\n", "token: \"REDACTED\"\nb: c\n")
	f("auth_token:   s3cret   \n", "auth_token:   \"REDACTED\"\n")
	f("token:\nb: c\n", "token:\nb: c\n")
	f("tokens: kept\ntokenizer: kept\n# the token is kept\n", "tokens: kept\ntokenizer: kept\n# the token is kept\n")
	f("password: hunter2\nroot_passwd: 'x y'\nWIFI_PSK: \"z\"\n",
		"password: \"REDACTED\"\nroot_passwd: \"REDACTED\"\nWIFI_PSK: \"REDACTED\"\n")
	f("a: 1\nsecrets:\n  API_USER: fred\n  # none\n  DEPLOY: |\n    line: one\n    two\n\nb: c\n",
		"a: 1\nsecrets:\n  API_USER: \"REDACTED\"\n  DEPLOY: \"REDACTED\"\n    line: \"REDACTED\"\nb: c\n")
	f("x:\n- secrets:\n    A: b\n  c: d\n", "x:\n- secrets:\n    A: \"REDACTED\"\n  c: d\n")
	f("secrets: {A: b, 'C': \"d}\", e: {f: g}}\nb: c\n", "secrets: {}\nb: c\n")
	f(`{"secrets": {"A": "b"}, "c": "d"}`, `{"secrets": {}, "c": "d"}`)
	f("url: https://h/x?lab=l&access_token=s3cret&key=k#f\n",
		"url: https://h/x?lab=l&access_token=REDACTED&key=REDACTED#f\n")
	f("monkeys: kept\nbuild_key: kept\nkeyboard: kept\n", "monkeys: kept\nbuild_key: kept\nkeyboard: kept\n")
	f("é: 'ü'\ntoken: s\n", "é: 'ü'\ntoken: \"REDACTED\"\n")
}

func quoteJSON(t *testing.T, s string) string {
	t.Helper()
	return string(jsontext.AppendString(nil, s))
}

func TestRedactForm(t *testing.T) {
	definition := "notify:\n  callback: {token: s3cretOne, url: " +
		"'http://u:s3cretTwo@h/?key=s3cretThree'}\nsecrets:\n  A: s3cretFour\n"
	whole := "id=4&status=2&token=s3cretFive&definition=" + url.QueryEscape(definition) + "&log="
	for end := range len(whole) {
		got := string(Redact([]byte(whole[:end])))
		if plain, err := url.QueryUnescape(got); strings.Contains(got, "s3cret") ||
			err == nil && strings.Contains(plain, "s3cret") {
			t.Fatalf("%s becomes %s", whole[:end], got)
		}
		if end > 12 && !strings.HasPrefix(got, "id=4&status=") {
			t.Fatalf("%s becomes %s", whole[:end], got)
		}
	}
}

// Damaged JSON shows no token either, wherever it ends.
func TestRedactDamaged(t *testing.T) {
	definition := "notify:\n  callback: {token: s3cretOne, url: x}\n  other:\n    token: 's3cretTwo'\n    third:\n  " +
		"    authorization: \"s3cretThree\"\n"
	whole := fmt.Sprintf(`{"id": 1, "token": "s3cretFour", "headers": {"Authorization": "s3cretFive"}, "definition": %s, "log": ""}`, quoteJSON(t, definition))
	if !json.Valid([]byte(whole)) {
		t.Fatal(whole)
	}
	for i := range whole {
		bodies := []string{whole[:i], whole[i:]}
		if i > 0 && whole[i-1:i+1] == ", " {
			bodies = append(bodies, whole[:i]+"}"+whole[i:])
		}
		for _, body := range bodies {
			got := string(Redact([]byte(body)))
			for _, secret := range []string{"s3cretOne", "s3cretTwo", "s3cretThree", "s3cretFour", "s3cretFive"} {
				if at := strings.Index(body, secret); at >= 0 && strings.Contains(got, secret) &&
					!beginsInside(body, at) {
					t.Fatalf("%s is still in %s\nof %s", secret, got, body)
				}
			}
		}
	}
}

// beginsInside tells bodies cut between a secret's key and the secret: nothing
// says that it is one.
func beginsInside(body string, at int) bool {
	before := strings.ToLower(body[:at])
	return !strings.Contains(before, "token") && !strings.Contains(before, "authorization")
}

// TestReplaceNamed compares with the plain use of the same expressions.
func TestReplaceNamed(t *testing.T) {
	parts := []string{"token", "Token", "AUTHORIZATION", `"`, `"`, `:`, `: `, " ", "-", ".", "_", `\`, "x", "7", "[",
		"]", "\n", "{", "}", ",", "'", "|", "!", "é", "\xff"}
	plain := map[*regexp.Regexp]*regexp.Regexp{}
	for _, re := range []*regexp.Regexp{secretJSON, secretYAML, secretAnywhere} {
		begin := `\b`
		if re == secretJSON {
			begin = ""
		}
		plain[re] = regexp.MustCompile(strings.Replace(re.String(), `\A(`, `(`+begin, 1))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b []byte
		for range rnd.IntN(24) {
			b = append(b, parts[rnd.IntN(len(parts))]...)
		}
		for re, search := range plain {
			want := search.ReplaceAll(b, []byte(redacted))
			if got := replaceNamed(re, b, redacted, re == secretJSON); !bytes.Equal(got, want) {
				t.Fatalf("%q by %s\n got %q\nwant %q", b, re, got, want)
			}
		}
	}
}

// TestRedactIsLinear: a hostile record of 256 kB would take a minute if it were not.
func TestRedactIsLinear(t *testing.T) {
	skipUnderRace(t)
	for _, part := range []string{"token", `"token" `, `"token":`, "token: ", `?sig=`, `?sig=x`, "://", `"token":1,`,
		"://a@"} {
		for _, format := range []string{`%s`, `{"definition":%q}`} {
			_ = Redact(fmt.Appendf(nil, format, strings.Repeat(part, 256<<10/len(part))))
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"token":"a","definition":"token: b\nx: {token: c}\n"}`))
	f.Add([]byte(`{"token":"a","definition":"token: b`))
	f.Add([]byte(`token: [`))
	f.Fuzz(func(t *testing.T, b []byte) {
		once := Redact(b)
		if json.Valid(b) && !json.Valid(once) {
			t.Fatalf("%q was JSON and became %q", b, once)
		}
		if !bytes.Contains(bytes.ToLower(b), []byte("token")) &&
			!bytes.Contains(bytes.ToLower(b), []byte("authorization")) && !bytes.Equal(b, once) && json.Valid(b) {
			t.Fatalf("%q became %q", b, once)
		}
	})
}
