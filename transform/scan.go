package transform

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/kcing/kcing/internal/jsontext"
)

// scanJSON comes first: after it, body is known to be one JSON object (RFC 8259)
// within the limits of nesting and fields, and the readers behind it need no error
// path of their own. It appends the object's members to fields.
func scanJSON(body []byte, fields []jsontext.Field) ([]jsontext.Field, error) {
	fields, err := jsontext.Scan(body, jsontext.Limits{Depth: MaxDepth, Members: MaxFields}, fields)
	if err != nil {
		return fields, refuseJSON(body, err)
	}
	switch body[jsontext.SkipSpace(body, 0)] {
	case '{':
		return fields, nil
	case '[':
		return fields, refuse(typeUnknownKind, "",
			"it looks like an array: a record is one JSON object; feed the elements one by one")
	}
	return fields, refuse("not_an_object", "", "valid JSON, but not an object: a record is one JSON object")
}

// refuseJSON refuses a body that [jsontext.Scan] does not take.
func refuseJSON(body []byte, err error) error {
	var bad *jsontext.SyntaxError
	switch {
	case errors.Is(err, jsontext.ErrDepth):
		return refuse("too_deep", "", fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	case errors.Is(err, jsontext.ErrMembers):
		return refuse("too_many_fields", "", fmt.Sprintf("more than %d fields", MaxFields))
	case errors.As(err, &bad):
		return refuse("not_json", "", "not valid JSON: "+where(body, bad.Offset))
	}
	return err
}

// where says at which place a body stops being JSON. It shows one character and
// no more: a token may stand there.
func where(body []byte, bad int) string {
	if bad >= len(body) {
		return fmt.Sprintf("it ends too early, after %d bytes", len(body))
	}
	before := body[:bad]
	line, column := 1+bytes.Count(before, []byte("\n")), bad-bytes.LastIndexByte(before, '\n')
	r, _ := utf8.DecodeRune(body[bad:])
	return fmt.Sprintf("%s not expected in line %d, byte %d of it", strconv.QuoteRuneToASCII(r), line, column)
}

// trim takes a byte order mark and the white space around a record away.
func trim(payload []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(payload, []byte("\xef\xbb\xbf")), " \t\r\n")
}
