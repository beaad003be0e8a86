package intake

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTokensFile(t *testing.T) {
	good := loadTokens(t, "\xef\xbb\xbf# one\r\n\r\nsecret-1 lab-a\r\n  secret-2\t lab with words  \nsecret-3 "+
		"lab-a\nsecret-4 *")
	if len(good.all()) != 4 {
		t.Errorf("%d tokens, want 4", len(good.all()))
	}
	for secret, want := range map[string]string{"secret-1": "lab-a", "secret-2": "lab with words", "secret-3": "lab-a",
		"secret-4": AnyLab} {
		if lab, ok := good.lab(secret); !ok || lab != want {
			t.Errorf("%s is of %q, want %q", secret, lab, want)
		}
	}
	for _, secret := range []string{"", "lab-a", "#", "secret-", "secret-11"} {
		if lab, ok := good.lab(secret); ok {
			t.Errorf("%q lets in as %q", secret, lab)
		}
	}
	for _, c := range []struct{ content, says string }{
		{"", "no token"},
		{"# only this\n\n", "no token"},
		{"hushhush\n", "line 1"},
		{"# a\nhushhush lab-a\nhushhush lab-b\n", "lines 2 and 3"},
		{"hushhush\x01 lab-a\n", "line 1"},
		{"hushhushé lab-a\n", "line 1"},
		{"hushhush lab\x00a\n", "line 1"},
		{"hushhush " + strings.Repeat("l", 129) + "\n", "line 1"},
		{"a lab-a\n" + strings.Repeat("hushhush", 20000) + " lab-b\n", "line 2"},
	} {
		path := tokensFile(t, c.content)
		_, err := LoadTokens(path)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.40q: error %v, want it to say %q and the file", c.content, err, c.says)
		} else if strings.Contains(err.Error(), "hushhush") {
			t.Errorf("the token is in the error: %v", err)
		}
	}
	if _, err := LoadTokens(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if len((&Tokens{}).all()) != 0 {
		t.Error("the zero value knows tokens")
	}
	if _, ok := (&Tokens{}).lab(""); ok {
		t.Error("the zero value lets somebody in")
	}
}

func TestTokensReload(t *testing.T) {
	path := tokensFile(t, "old lab-a\n")
	tokens, err := LoadTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var posting sync.WaitGroup // for the race detector
	posting.Go(func() {
		for range 1000 {
			tokens.lab("old")
		}
	})
	write("half a\nline")
	if err := tokens.Reload(); err == nil {
		t.Error("a bad file is no error")
	}
	if _, ok := tokens.lab("old"); !ok {
		t.Error("the old tokens went when the new file was bad")
	}
	write("new lab-a\n")
	if err := tokens.Reload(); err != nil {
		t.Error(err)
	}
	if _, ok := tokens.lab("old"); ok {
		t.Error("the old token still lets in")
	}
	if _, ok := tokens.lab("new"); !ok {
		t.Error("the new token does not let in")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Reload(); err == nil {
		t.Error("a missing file is no error")
	}
	if _, ok := tokens.lab("new"); !ok {
		t.Error("the tokens went with their file")
	}
	posting.Wait()
}
