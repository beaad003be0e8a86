package lavarest

import (
	"strings"
	"testing"
)

func TestParseLabs(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		labs, err := ParseLabs(in)
		var got []string
		for _, l := range labs {
			got = append(got, l.Name+" "+l.URL)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%q: %s, not %s", in, text, want)
		}
	}
	f("https://lava.example.org", "lava.example.org https://lava.example.org")
	f(" https://LAVA.example.org:8443/lava/ ", "lava.example.org https://lava.example.org:8443/lava")
	f("lab-a=http://a, lab-b = http://b/x,", "lab-a http://a, lab-b http://b/x")
	// Copied from a browser.
	f("https://h/scheduler/job/12345", "h https://h")
	f("https://h/lava/scheduler/job/12345#L7", "h https://h/lava")
	f("https://h/api/v0.2/jobs/?state=Finished&x=1", "h https://h")
	f("https://h/lava/results/7", "h https://h/lava")
	f("x=https://h/?a=b", "x https://h")
	f("", "there is no URL in it")
	f("lava.example.org", `"lava.example.org" is not a URL such as https://lava.example.org`)
	f("ftp://h", `"ftp://h" is not a URL such as https://lava.example.org`)
	f("=http://h", "there is no name before the equals sign; write name=URL, or the URL alone")
	f("Lab A=http://h", "Lab A http://h")
	f("http://h,http://h/scheduler/", "http://h is there twice")
	f("http://h,http://h:81", `http://h and http://h:81 are both called "h", and job numbers are unique in one lab only: name them, as in name=URL`)
	for _, secret := range []string{"https://me:hunter2@h", "me:hunter2@h", "x=ftp://me:hunter2@h"} {
		if _, err := ParseLabs(secret); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

// FuzzParseLabs: what is accepted has names and addresses, each once.
func FuzzParseLabs(f *testing.F) {
	f.Add("https://lava.example.org,b=http://h/lava/scheduler/job/1")
	f.Add("a=b=http://x")
	f.Fuzz(func(t *testing.T, list string) {
		labs, err := ParseLabs(list)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, l := range labs {
			if l.Name == "" || seen[l.URL] || seen["\x00"+l.Name] || !strings.HasPrefix(l.URL, "http") ||
				strings.HasSuffix(l.URL, "/") {
				t.Errorf("%q: %+v", list, labs)
			}
			seen[l.URL], seen["\x00"+l.Name] = true, true
			again, err := ParseLabs(l.URL)
			if err != nil || again[0].URL != l.URL {
				t.Errorf("%q: %q becomes %v, %v", list, l.URL, again, err)
			}
		}
	})
}
