package checker

import (
	"fmt"
	"strings"
	"testing"
)

// node is a parsed KQL query: op is and, or, not, is or one of < <= > >=.
type node struct {
	op       string
	children []node
	field    string // of is and the comparisons; "" searches all fields
	value    string
	quoted   bool
}

// parseKQL reads the Kibana Query Language but for nested fields ({ }) and
// wildcards inside of words or field names, which the pages do not use.
func parseKQL(text string) (node, error) {
	p := &kqlParser{text: text}
	n, err := p.or("")
	if err == nil && p.skip() < len(p.text) {
		err = fmt.Errorf("unexpected %q", p.text[p.at:])
	}
	if err != nil {
		return node{}, fmt.Errorf("KQL %q at %d: %w", text, p.at, err)
	}
	return n, nil
}

type kqlParser struct {
	text  string
	at    int
	depth int
}

func (p *kqlParser) skip() int {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
	return p.at
}

// word reports whether a keyword comes next, and skips it.
func (p *kqlParser) word(w string) bool {
	rest := p.text[p.skip():]
	if len(rest) <= len(w) || !strings.EqualFold(rest[:len(w)], w) ||
		!strings.ContainsRune(" \t\r\n(", rune(rest[len(w)])) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *kqlParser) next(c byte) bool {
	if p.skip() < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// or reads a query, or what stands in a field's parentheses.
func (p *kqlParser) or(field string) (node, error) { return p.chain("or", field, p.and) }

func (p *kqlParser) and(field string) (node, error) { return p.chain("and", field, p.not) }

func (p *kqlParser) chain(op, field string, operand func(string) (node, error)) (node, error) {
	first, err := operand(field)
	all := []node{first}
	for err == nil && p.word(op) {
		var n node
		n, err = operand(field)
		all = append(all, n)
	}
	if len(all) == 1 || err != nil {
		return first, err
	}
	return node{op: op, children: all}, nil
}

func (p *kqlParser) not(field string) (node, error) {
	const deepest = 200 // a query of a million "not" must not overflow the stack
	if p.depth++; p.depth > deepest {
		return node{}, fmt.Errorf("nested more than %d deep", deepest)
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		n, err := p.not(field)
		return node{op: "not", children: []node{n}}, err
	}
	if p.next('(') {
		n, err := p.or(field)
		if err == nil && !p.next(')') {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return n, err
	}
	if field != "" {
		return p.value(field)
	}
	return p.expression()
}

func (p *kqlParser) expression() (node, error) {
	name, quoted, err := p.literal()
	if err != nil {
		return node{}, err
	}
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if strings.HasPrefix(p.text[p.skip():], op) {
			p.at += len(op)
			value, quoted, err := p.literal()
			return node{op: op, field: name, value: value, quoted: quoted}, err
		}
	}
	if !p.next(':') {
		return node{op: "is", value: name, quoted: quoted}, nil
	}
	if p.next('(') {
		n, err := p.or(name)
		if err == nil && !p.next(')') {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return n, err
	}
	return p.value(name)
}

func (p *kqlParser) value(field string) (node, error) {
	value, quoted, err := p.literal()
	return node{op: "is", field: field, value: value, quoted: quoted}, err
}

// literal reads a quoted text or a run of words.
func (p *kqlParser) literal() (text string, quoted bool, err error) {
	var b strings.Builder
	if p.next('"') {
		for p.at < len(p.text) {
			c := p.text[p.at]
			p.at++
			switch {
			case c == '"':
				return b.String(), true, nil
			case c == '\\' && p.at < len(p.text):
				b.WriteByte(p.text[p.at])
				p.at++
			default:
				b.WriteByte(c)
			}
		}
		return "", true, fmt.Errorf("a quote is not closed")
	}
	for p.skip(); p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == '\\' && p.at+1 < len(p.text) {
			p.at++
			b.WriteByte(p.text[p.at])
			continue
		}
		if strings.IndexByte(`():<>"{} `+"\t\r\n", c) >= 0 {
			break
		}
		b.WriteByte(c)
	}
	if b.Len() == 0 {
		return "", false, fmt.Errorf("a value is missing")
	}
	return b.String(), false, nil
}

func (n node) fields() []string {
	if n.op == "and" || n.op == "or" || n.op == "not" {
		var all []string
		for _, c := range n.children {
			all = append(all, c.fields()...)
		}
		return all
	}
	return []string{n.field}
}

// loose is the first part without a field or quotes, "" when there is none. A
// number that is compared and the * of "exists" need no quotes.
func (n node) loose() string {
	for _, c := range n.children {
		if loose := c.loose(); loose != "" {
			return loose
		}
	}
	if n.op == "is" && (n.field == "" || !n.quoted && n.value != "*") {
		return strings.TrimPrefix(n.field+":"+n.value, ":")
	}
	return ""
}

// dsl is the query as Kibana sends it to Elasticsearch.
func (n node) dsl() any {
	type m = map[string]any
	var inner []any
	for _, c := range n.children {
		inner = append(inner, c.dsl())
	}
	switch n.op {
	case "and":
		return m{"bool": m{"filter": inner}}
	case "or":
		return m{"bool": m{"should": inner, "minimum_should_match": 1}}
	case "not":
		return m{"bool": m{"must_not": inner}}
	case "<", "<=", ">", ">=":
		return m{"range": m{n.field: m{map[string]string{"<": "lt", "<=": "lte", ">": "gt",
			">=": "gte"}[n.op]: n.value}}}
	}
	switch {
	case n.value == "*" && !n.quoted:
		return m{"exists": m{"field": n.field}}
	case n.field == "":
		return m{"multi_match": m{"query": n.value, "lenient": true}}
	case n.quoted:
		return m{"match_phrase": m{n.field: n.value}}
	}
	return m{"match": m{n.field: n.value}}
}

func (n node) String() string {
	var parts []string
	for _, c := range n.children {
		parts = append(parts, c.String())
	}
	if parts != nil {
		return n.op + "(" + strings.Join(parts, " ") + ")"
	}
	return fmt.Sprintf("%s %s %q", n.field, n.op, n.value)
}

func TestKQL(t *testing.T) {
	good := map[string]string{
		`a : "b"`:                             `a is "b"`,
		`a:"b" and not c:"d"`:                 `and(a is "b" not(c is "d"))`,
		`a : ("b" or "c" ) AND (d:"e")`:       `and(or(a is "b" a is "c") d is "e")`,
		`a : (not "b") or x > 3 and y <= 4.5`: `or(not(a is "b") and(x > "3" y <= "4.5"))`,
		`a : *`:                               `a is "*"`,
		`not (a:"b" or c:"d")`:                `not(or(a is "b" c is "d"))`,
		`a : "x \"y\" \\ z"`:                  `a is "x \"y\" \\ z"`,
		`a : b\:c`:                            `a is "b:c"`,
		`android : "orange"`:                  `android is "orange"`,
		`notes : "x"`:                         `notes is "x"`,
		`word`:                                ` is "word"`,
	}
	for text, want := range good {
		if n, err := parseKQL(text); err != nil || n.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, n, err, want)
		}
	}
	for _, text := range []string{"", "a :", `a : "b`, `a : ("b"`, `a : "b" and`, `a : "b" "c"`, `) a`, `a : {b : "c"}`,
		`: "b"`, `a > `, strings.Repeat("not ", 5000) + `a:"b"`} {
		if n, err := parseKQL(text); err == nil {
			t.Errorf("%.50s: parsed as %v", text, n)
		}
	}
}

func FuzzKQL(f *testing.F) {
	for _, seed := range []string{`a : ("b" or not "c") and d > 3`, `a : "x \"y\""`, `not (a:* or b)`, `((((`, `"`,
		`\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseKQL(text)
		if err != nil {
			return
		}
		if _, err := canonical(n.dsl()); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(n.fields()) == 0 || n.String() == "" {
			t.Errorf("%q: parsed as nothing", text)
		}
		_ = n.loose()
	})
}
