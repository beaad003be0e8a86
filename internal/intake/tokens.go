package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// AnyLab in place of a lab's name lets a token post for every lab: for a relay,
// and for builds, which belong to none.
const AnyLab = "*"

// maxToken leaves room for other headers within Limits.HeaderBytes.
const maxToken = 4096

// Tokens are the secrets with which labs may post, from a file of lines
// `token lab_name`. Blank lines and lines that begin with # do not count. A
// lab may have several, so that a new one can be handed out before the old one
// goes. The zero value allows nobody. Safe for use by many goroutines.
type Tokens struct {
	path string
	list atomic.Pointer[[]token]
}

// token holds a digest: all have one length, so that comparing them tells
// nothing of the secret, its length included.
type token struct {
	digest [sha256.Size]byte
	lab    string
}

// LoadTokens reads a file of tokens. An error names the file and the line, never
// what stands there.
func LoadTokens(path string) (*Tokens, error) {
	t := &Tokens{path: path}
	return t, t.Reload()
}

// Reload reads the file again. On an error the tokens stay as they were.
func (t *Tokens) Reload() error {
	data, err := os.ReadFile(t.path)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	list, err := parseTokens(data)
	if err != nil {
		return fmt.Errorf("tokens: %s: %w", t.path, err)
	}
	t.list.Store(&list)
	return nil
}

func (t *Tokens) all() []token {
	if list := t.list.Load(); list != nil {
		return *list
	}
	return nil
}

// lab finds the lab of a token. It compares all, so that its time tells nothing
// about which was nearly right.
func (t *Tokens) lab(secret string) (lab string, ok bool) {
	digest := sha256.Sum256([]byte(secret))
	for _, known := range t.all() {
		if subtle.ConstantTimeCompare(digest[:], known.digest[:]) == 1 {
			lab, ok = known.lab, true
		}
	}
	return lab, ok
}

func parseTokens(data []byte) ([]token, error) {
	lines, err := ReadTokens(data)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("no token in it: nobody could post; write `token lab_name` lines, or leave --tokens out")
	}
	list := make([]token, len(lines))
	for i, line := range lines {
		list[i] = token{sha256.Sum256([]byte(line.Secret)), line.Lab}
	}
	return list, nil
}

// TokenLine is a line of a file of tokens.
type TokenLine struct{ Secret, Lab string }

// ReadTokens reads the lines of such a file, see [Tokens]. An error names the
// line, never what stands there.
func ReadTokens(data []byte) ([]TokenLine, error) {
	var list []TokenLine
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		secret, lab, found := cutSpace(line)
		if !found {
			return nil, fmt.Errorf("line %d: one word: write `token lab_name`, or `token %s` for every lab", n, AnyLab)
		}
		if strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("line %d: the token holds characters other than visible ASCII: "+
				"no HTTP header can carry it", n)
		}
		if len(secret) > maxToken {
			return nil, fmt.Errorf("line %d: the token has %d characters, %d are allowed", n, len(secret), maxToken)
		}
		if reason := LabFault(lab); reason != "" {
			return nil, fmt.Errorf("line %d: lab_name %s", n, reason)
		}
		if first, again := seen[secret]; again {
			return nil, fmt.Errorf("lines %d and %d: the same token: give each lab its own", first, n)
		}
		seen[secret] = n
		list = append(list, TokenLine{secret, lab})
	}
	return list, nil
}

// cutSpace cuts at the first run of blanks and tabs.
func cutSpace(line string) (before, after string, found bool) {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return line, "", false
	}
	return line[:i], strings.TrimLeft(line[i:], " \t"), true
}

// credential takes the token out of an Authorization header: LAVA sends it bare,
// Django's clients behind Token, all others behind Bearer.
func credential(header string) string {
	header = strings.TrimSpace(header)
	if scheme, rest, ok := cutSpace(header); ok &&
		(strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer")) {
		return rest
	}
	return header
}
