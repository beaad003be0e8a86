package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

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
	f("Authorization: Token s3cret, and more\n", "Authorization: \"REDACTED\"\n")
	f("token: !!str s3cret\n", "token: !!str \"REDACTED\"\n")
	f("token: &t s3cret\n", "token: &t \"REDACTED\"\n")
	f("token: |-\n  s3cret\nb: c\n", "token: \"REDACTED\"\nb: c\n")
	f("auth_token:   s3cret   \n", "auth_token:   \"REDACTED\"   \n")
	f("token:\nb: c\n", "token:\nb: c\n")
	f("tokens: kept\ntokenizer: kept\n# the token is kept\n", "tokens: kept\ntokenizer: kept\n# the token is kept\n")
	f("password: hunter2\nroot_passwd: 'x y'\nWIFI_PSK: \"z\"\n",
		"password: \"REDACTED\"\nroot_passwd: \"REDACTED\"\nWIFI_PSK: \"REDACTED\"\n")
	f("a: 1\nsecrets:\n  API_USER: fred\n  # none\n  DEPLOY: |\n    line: one\n    two\n\nb: c\n",
		"a: 1\nsecrets: \"REDACTED\"\n\nb: c\n")
	f("x:\n- secrets:\n    A: b\n  c: d\n", "x:\n- secrets: \"REDACTED\"\n  c: d\n")
	f("secrets: {A: b, 'C': \"d}\", e: {f: g}}\nb: c\n", "secrets: \"REDACTED\"\nb: c\n")
	f(`{"secrets": {"A": "b"}, "c": "d"}`, `{"secrets": "REDACTED", "c": "d"}`)
	f("ssh_private_key: |\n  -----BEGIN\n\n  x\n  -----END\nb: c\n", "ssh_private_key: \"REDACTED\"\nb: c\n")
	f("? password\n: s3cret\nb: c\n", "? password\n: \"REDACTED\"\nb: c\n")
	f("{\n  token: s3cret,\n  url: x\n}\n", "{\n  token: \"REDACTED\",\n  url: x\n}\n")
	f("- export WIFI_PASSWORD=s3cret\n- a --password=s3cret --password 's3 cret' b\n",
		"- export WIFI_PASSWORD=REDACTED\n- a --password=REDACTED --password 'REDACTED cret' b\n")
	f("- curl -H \"Authorization: Token s3cret\" u\n", "- curl -H \"Authorization: REDACTED\" u\n")
	f("url: https://h/x?lab=l&access_token=s3cret&key=k#f\n",
		"url: https://h/x?lab=l&access_token=REDACTED&key=REDACTED#f\n")
	f("monkeys: kept\nbuild_key: kept\nkeyboard: kept\n", "monkeys: kept\nbuild_key: kept\nkeyboard: kept\n")
	f("é: 'ü'\ntoken: s\n", "é: 'ü'\ntoken: \"REDACTED\"\n")
}

func quoteJSON(t *testing.T, s string) string {
	t.Helper()
	return string(jsontext.AppendString(nil, s))
}

func TestRedactMessage(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := redactMessage(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
	f("power on: curl http://u:s3cret@h/?token=s3cret&a=b", "power on: curl http://REDACTED@h/?token=REDACTED&a=b")
	f("pdu --password=s3cret --user a", "pdu --password=REDACTED --user a")
	f("pdu --api-key s3cret; exit", "pdu --api-key REDACTED; exit")
	f("Authorization: Bearer s3cret failed", "Authorization: Bearer REDACTED failed")
	f("Invalid key: 'kernel', no token: x", "Invalid key: 'kernel', no token: x")
	f("BUG: key ffff888 has not been registered!", "BUG: key ffff888 has not been registered!")
}

// TestNoSecretsInDocuments: of a build, a boot and a job's definition no secret gets into
// the documents.
func TestNoSecretsInDocuments(t *testing.T) {
	const fields = `"git_url":"https://u:s3cret@h/x?token=s3cret","build_log":"https://h/l?sig=s3cret&a=b",` +
		`"api_key":"s3cret","Authorization":["s3cret"],"submitter_email":"s3cret","more":{"password":"s3cret","a":"kept"}}`
	definition := "job_name: see https://s3cret@h/\ndevice_type: q\nmetadata:\n" +
		"  job.file_server_resource: https://u:s3cret@h/kept/?token=s3cret\n"
	for _, payload := range []string{`{"id":"u","build_result":"PASS",` + fields, `{"id":"b","boot_result":"PASS",` + fields,
		string(callbackJSON("definition", quoteJSON(t, definition)))} {
		_, d, err := made([]byte(payload), Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprint(sources(t, d))
		if strings.Contains(out, "s3cret") || !strings.Contains(out, "kept") && !strings.Contains(out, "a=b") {
			t.Error(out)
		}
	}
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

// TestRedactYAML: whatever the form in which a definition is written, no secret is left
// of it, all else is, and it can still be read.
func TestRedactYAML(t *testing.T) {
	styles := []yaml.Style{0, yaml.FlowStyle, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle,
		yaml.DoubleQuotedStyle}
	rnd := rand.New(rand.NewPCG(3, 4))
	var node func(depth int, secret bool) *yaml.Node
	text := func(secret bool) *yaml.Node {
		value := "kept%d"
		if secret {
			value = "s3cret%d"
		}
		forms := []string{"%s", "%s, %s", "%s\n%s\n", "%s\n\n  %s: %s", "it's %s", `"%s" {%s}`, "%s\n", "#%s", "[%s"}
		form := forms[rnd.IntN(len(forms))]
		for strings.Contains(form, "%s") {
			form = strings.Replace(form, "%s", fmt.Sprintf(value, rnd.IntN(1000)), 1)
		}
		style := styles[rnd.IntN(len(styles))]
		if strings.Contains(form, "\n") && style != yaml.LiteralStyle && style != yaml.FoldedStyle {
			style = yaml.DoubleQuotedStyle // the library's single quotes do not indent the next line
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: form, Style: style}
	}
	names := []string{"token", "url", "board_password", "WIFI_PSK", "secrets", "to", "ssh-key", "name", "passphrase"}
	node = func(depth int, secret bool) *yaml.Node {
		style := styles[rnd.IntN(2)]
		switch n := rnd.IntN(6); {
		case depth == 0 || n > 1 && depth < 4 || n == 5 && depth < 5:
			return text(secret)
		case n == 0:
			list := &yaml.Node{Kind: yaml.SequenceNode, Style: style}
			for range 1 + rnd.IntN(3) {
				list.Content = append(list.Content, node(depth-1, secret))
			}
			return list
		}
		m := &yaml.Node{Kind: yaml.MappingNode, Style: style}
		for _, i := range rnd.Perm(len(names))[:3] {
			name := &yaml.Node{Kind: yaml.ScalarNode, Value: names[i], Style: styles[rnd.IntN(2)*4]}
			m.Content = append(m.Content, name, node(depth-1, secret || secretName.MatchString(names[i])))
		}
		return m
	}
	kept := regexp.MustCompile(`kept\d+`)
	for range 3000 {
		definition, err := yaml.Marshal(node(5, false))
		if err != nil {
			t.Fatal(err)
		}
		clean := redactText(definition)
		var any any
		if bytes.Contains(clean, []byte("s3cret")) {
			t.Fatalf("of\n%s is left\n%s", definition, clean)
		}
		if want, got := kept.FindAll(definition, -1), kept.FindAll(clean, -1); len(got) != len(want) {
			t.Fatalf("of\n%s is left\n%s", definition, clean)
		}
		if err := yaml.Unmarshal(clean, &any); err != nil {
			t.Fatalf("%v: of\n%s is left\n%s", err, definition, clean)
		}
		if again := redactText(clean); !bytes.Equal(again, clean) {
			t.Fatalf("%s\nbecomes\n%s", clean, again)
		}
		damaged := []byte(`{"definition": ` + quoteJSON(t, string(definition)) + `,`)
		if clean := Redact(damaged); bytes.Contains(clean, []byte("s3cret")) {
			t.Fatalf("of\n%s is left\n%s", damaged, clean)
		}
	}
}

// TestRedactIsLinear: a hostile record of 256 kB would take a minute if it were not.
func TestRedactIsLinear(t *testing.T) {
	skipUnderRace(t)
	for _, part := range []string{"token", `"token" `, `"token":`, "token: ", `?sig=`, `?sig=x`, "://", `"token":1,`,
		"://a@", "token: {", "token:\n ", "token:\n\n", "token: [a, '", "\ntoken: |\n", "\n token: |", `"`, `\"`, "--token ",
		"token= ", "token: \\"} {
		for _, format := range []string{`%s`, `{"definition":%q}`} {
			body := fmt.Appendf(nil, format, strings.Repeat(part, 256<<10/len(part)))
			_, _ = Redact(body), Redact(append(body, '}'))
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
		named := slices.ContainsFunc(append(secretWords, []byte("://"), []byte("sig=")), func(word []byte) bool {
			return bytes.Contains(lowerASCII(b), word)
		})
		if !named && json.Valid(b) && !bytes.Equal(b, once) {
			t.Fatalf("%q became %q", b, once)
		}
	})
}
