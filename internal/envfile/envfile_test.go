package envfile

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		var got []string
		for _, v := range Parse(text) {
			got = append(got, fmt.Sprintf("%s=%q", v.Name, v.Value))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", text, s, want)
		}
	}
	// Passwords are what people put into it.
	f("A=pa$WORD1\nB=pa$$x${HOME}`id`\n", `A="pa$WORD1" B="pa$$x${HOME}`+"`id`"+`"`)
	f("A=pa #x\nB=pa#x", `A="pa #x" B="pa#x"`)
	f("A='pa$ #\"x'\nB=\"pa$ #'x\"", `A="pa$ #\"x" B="pa$ #'x"`)
	f(`A="a\"b\\c\$d\`+"`"+`e\nf"`, "A=\"a\\\"b\\\\c$d`e\\\\nf\"")
	f(`A=a\b\\c\ `, `A="ab\\c "`)
	f("A=it's\nB=a\"b\"", `A="it's" B="a\"b\""`)
	// Blanks, quoted parts side by side, lines that go on.
	f("  A =  x y \t\n\n", `A="x y"`)
	f(`A='a' "b"c d `, `A="abc d"`)
	f("A=a\\\nb\nB='a\nb'\nC=\"a\\\nb\"", `A="ab" B="a\nb" C="ab"`)
	f("A=\nB=''\nC", `A="" B=""`)
	// Comments, and what is no setting.
	f("# A=1\n; B=2\n #C=3\nD=4 # no comment\nE #=5\n1F=6\n=7\nG H=8\nI", `D="4 # no comment"`)
	f("\ufeffA=1\r\nexport B=2\r\nexport  C='3'\r\n", `A="1" B="2" C="3"`)
	f("A='never closed\nB=2", `A="never closed\nB=2"`)
	f("A=ümlaut é", `A="ümlaut é"`)
	f("A=x=y\nA=z", `A="x=y" A="z"`)
	f("A=1\x00\nB=2", `B="2"`)
}

func FuzzParse(f *testing.F) {
	f.Add("A=1\n#\nexport B='x\\\n\"y\" z\\")
	f.Fuzz(func(t *testing.T, text string) {
		total := 0
		for _, v := range Parse(text) {
			if !validName(v.Name) || strings.Contains(v.Value, "\x00") {
				t.Errorf("%q: %q=%q", text, v.Name, v.Value)
			}
			total += len(v.Name) + len(v.Value)
		}
		if total > len(text) {
			t.Errorf("%q: %d bytes of settings", text, total)
		}
	})
}
