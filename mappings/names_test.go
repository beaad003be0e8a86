package mappings

import (
	"strings"
	"testing"
	"time"
)

func TestValidatePrefix(t *testing.T) {
	good := []string{
		"", "x-", "staging-", "k8s_", "a.b-", "9-", "kcingtest", "latest-", "kbuild-", "blog-", "builds-", "log",
		"boot_",
		"t3f9a1b-", "test", strings.Repeat("a", maxPrefix),
	}
	for _, prefix := range good {
		if err := ValidatePrefix(prefix); err != nil {
			t.Errorf("%q is refused: %v", prefix, err)
		}
	}
	bad := []string{
		"-x", "_x", "+x", ".x", ".", "..", "-", "*", "x*", "x?", "X-", "é-", "a b", "a,b", "a/b", "a\\b", "a\"", "a<b",
		"a>b",
		"a|b", "a#b", "a:b", "%61-", "a\x00", "a\n", strings.Repeat("a", maxPrefix+1),
		// other prefixes' patterns
		"build-", "boot-", "test-", "log-", "boot-x-", "my-test-", "a.log-b", "a_boot-", "a-boot-",
		"logs-", "logs-x-", "metrics-", "traces-a", // data streams
	}
	for _, prefix := range bad {
		if err := ValidatePrefix(prefix); err == nil {
			t.Errorf("%q is accepted", prefix)
		}
	}
}

// No accepted prefix that ends in a separator may have an index that another
// one's template pattern matches, and no name may be read under two prefixes.
func TestPrefixesAreDisjoint(t *testing.T) {
	day := time.Date(2020, 11, 4, 0, 0, 0, 0, time.UTC)
	parts := []string{"a", "boot", "log", "test", "build", "-", "."}
	prefixes := []string{""}
	for range 4 {
		for _, p := range prefixes {
			for _, part := range parts {
				prefixes = append(prefixes, p+part)
			}
		}
		prefixes = prefixes[:min(len(prefixes), 600)]
	}
	var ours []string
	for _, p := range prefixes {
		if (p == "" || !isAlnum(p[len(p)-1])) && ValidatePrefix(p) == nil {
			ours = append(ours, p)
		}
	}
	if len(ours) < 20 {
		t.Fatalf("only %d prefixes left to compare", len(ours))
	}
	for _, p := range ours {
		for _, kind := range Kinds {
			name := IndexName(p, kind, day)
			for _, other := range ours {
				if other == p {
					continue
				}
				if _, _, ok := ParseIndexName(other, name); ok {
					t.Errorf("%s is read under prefix %q", name, other)
				}
				for _, k := range Kinds {
					if strings.HasPrefix(name, strings.TrimSuffix(indexPattern(other, k), "*")) {
						t.Errorf("%s of prefix %q falls under %s", name, p, indexPattern(other, k))
					}
				}
			}
		}
	}
}

func TestIndexNameIsUTC(t *testing.T) {
	late := time.Date(2020, 11, 4, 23, 30, 0, 0, time.FixedZone("", -2*3600))
	if got, want := IndexName("x-", Boot, late), "x-boot-2020.11.05"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseIndexName(t *testing.T) {
	f := func(prefix, name, kind string) {
		t.Helper()
		got, day, ok := ParseIndexName(prefix, name)
		if ok != (kind != "") || got != kind {
			t.Errorf("%q under %q: got %q, %v", name, prefix, got, ok)
		}
		if ok && IndexName(prefix, got, day) != name {
			t.Errorf("%q under %q: day %v", name, prefix, day)
		}
	}
	f("", "boot-2020.01.01", Boot)
	f("", "log-2024.02.29", Log)
	f("x-", "x-test-0001.01.01", Test)
	f("kcingtest", "kcingtestbuild-2020.12.31", Build)
	for _, name := range []string{
		"", "boot", "boot-", "boot-2020.01.01-copy", "boot-2020.01.01.", "kernel-2020.01.01", "boots-2020.01.01",
		"x-boot-2020.01.01", "boot-2023.02.29", "boot-2020.13.01", "boot-2020.00.10", "boot-2020.1.1", "boot-20200101",
		"boot-2020-01-01", "boot-2020.01.0\u0661", "boot-2020.01. 1", "boot-+020.01.01", "boot-2020,01,01",
		"BOOT-2020.01.01",
		"boot-2020.01.01\n", "boot-2020.01.01.5", "boot--2020.01.01", "rejects-2020.01.01",
	} {
		f("", name, "")
	}
	f("x-", "boot-2020.01.01", "")
	f("x-", "y-boot-2020.01.01", "")
	f("x-", "x-x-boot-2020.01.01", "")
}

func FuzzParseIndexName(f *testing.F) {
	f.Add("", "boot-2020.01.01")
	f.Add("x-", "x-log-2024.02.29")
	f.Add("", "boot-2020.01.01-copy")
	f.Add("a", "abuild-2023.02.29")
	f.Fuzz(func(t *testing.T, prefix, name string) {
		kind, day, ok := ParseIndexName(prefix, name)
		if !ok {
			if kind != "" || !day.IsZero() {
				t.Fatalf("refused, yet %q %v", kind, day)
			}
			return
		}
		if back := IndexName(prefix, kind, day); back != name {
			t.Fatalf("%q became %q", name, back)
		}
	})
}
