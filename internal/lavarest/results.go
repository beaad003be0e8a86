package lavarest

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// suite is the rows of one test suite, as text.
type suite struct {
	name string
	rows [][]byte
}

// splitResults cuts the YAML list of all results up by suite, as a callback has
// them, in the order of their first rows. The text of a row stays as it is: it is
// what a callback has too, and nothing is lost by making it anew.
func splitResults(list []byte) ([]suite, error) {
	if rest := bytes.TrimSpace(list); len(rest) == 0 || string(rest) == "[]" {
		return nil, nil
	}
	var suites []suite
	byText, byName := map[string]int{}, map[string]int{} // places in suites
	rows, err := splitRows(list)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		text := suiteText(row)
		i, known := byText[string(text)]
		if !known {
			name, err := suiteName(text)
			if err != nil {
				return nil, err
			}
			if i, known = byName[name]; !known { // else it is written in another way
				i = len(suites)
				byName[name] = i
				suites = append(suites, suite{name: name})
			}
			byText[string(text)] = i
		}
		suites[i].rows = append(suites[i].rows, row)
	}
	return suites, nil
}

// splitRows cuts a block list whose items begin where a line begins with a dash:
// LAVA indents all that belongs to an item.
func splitRows(list []byte) (rows [][]byte, err error) {
	if !bytes.HasPrefix(list, []byte("- ")) {
		return nil, errNoRows
	}
	for len(list) > 0 {
		end := bytes.Index(list, []byte("\n- "))
		if end < 0 {
			return append(rows, list), nil
		}
		rows = append(rows, list[:end+1])
		list = list[end+1:]
	}
	return rows, nil
}

// suiteText is the text of a row's key suite, with the lines in which it goes on;
// nil when the row has none.
func suiteText(row []byte) []byte {
	const key = " suite:"
	for from := 0; from < len(row); {
		end := lineEnd(row, from)
		line := row[from:end]
		if len(line) > 1 && (line[0] == ' ' || line[0] == '-') && bytes.HasPrefix(line[1:], []byte(key)) {
			for end < len(row) && bytes.HasPrefix(row[end:], []byte("    ")) {
				end = lineEnd(row, end)
			}
			return row[from+1+len(key) : end]
		}
		from = end
	}
	return nil
}

// lineEnd is where the line after the one of b[from:] begins.
func lineEnd(b []byte, from int) int {
	if i := bytes.IndexByte(b[from:], '\n'); i >= 0 {
		return from + i + 1
	}
	return len(b)
}

// suiteName reads the name, which YAML may have quoted.
func suiteName(text []byte) (string, error) {
	var node yaml.Node
	err := yaml.Unmarshal(text, &node)
	if err == nil && len(node.Content) == 1 && node.Content[0].Kind == yaml.ScalarNode {
		return node.Content[0].Value, nil
	}
	return "", fmt.Errorf("a row of its results names no suite: %.60q", text)
}
