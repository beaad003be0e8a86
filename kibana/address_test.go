package kibana

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	f := func(text, want, space string) {
		t.Helper()
		a, err := ParseAddress(text)
		if err != nil || a.String() != want || a.Space != space {
			t.Errorf("%s: %s, space %q, error %v; want %s, %q", text, a, a.Space, err, want, space)
		}
	}
	f("http://localhost:5601", "http://localhost:5601", "")
	f("http://localhost:5601/", "http://localhost:5601", "")
	f("http://localhost:5601/app/kibana", "http://localhost:5601", "")
	f("http://localhost:5601/app/kibana#/dashboard/abc?_g=()", "http://localhost:5601", "")
	f("https://h/base/path/app/kibana/", "https://h/base/path", "")
	f("https://h/base/path/", "https://h/base/path", "")
	f("https://h/base/s/lab/app/dashboards#/list", "https://h/base", "lab")
	f("https://h/s/lab", "https://h", "lab")
	f("https://h/s/", "https://h/s", "")
	f("https://h/app", "https://h", "")
	f("kibana:5601", "http://kibana:5601", "")
	f(" kibana ", "http://kibana", "")
	f("https://u:hunter2@h:1/x?y=hunter2", "https://h:1/x", "")

	bad := func(text string) {
		t.Helper()
		if a, err := ParseAddress(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, error %v", text, a, err)
		}
	}
	bad("")
	bad("ftp://h")
	bad("http://")
	bad("http://u:hunter2%zz@h")
	bad("http://h/s/No Space/app/kibana")
}

func TestNewRefuses(t *testing.T) {
	a, err := ParseAddress("http://h/s/lab")
	if err != nil {
		t.Fatal(err)
	}
	f := func(o Options, want string) {
		t.Helper()
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(Options{}, "no address")
	f(Options{Address: a, Space: "other"}, `names the space "lab"`)
	f(Options{Address: a, Space: "No Space"}, "not the identifier of a space")
	f(Options{Address: a, APIKey: "hunter2", Username: "u"}, "exclude each other")
	f(Options{Address: a, Password: "hunter2"}, "without a user name")
	c, err := New(Options{Address: a, Space: "lab"})
	if err != nil || c.Space() != "lab" {
		t.Error(c, err)
	}
	root, err := ParseAddress("http://h")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := New(Options{Address: root, Space: "default"}); err != nil || c.space != "" || c.Space() != "default" {
		t.Error(c, err)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"http://localhost:5601/app/kibana", "https://u:p@h/b/s/lab/app/x#/y", "h",
		"http://[::1]:5601/s/s/app"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil {
			t.Fatalf("%q gives %q, which is refused: %v", text, a, err)
		}
		if strings.HasSuffix(a.String(), "/") || again.Base.Host != a.Base.Host {
			t.Errorf("%q gives %q", text, a)
		}
	})
}
