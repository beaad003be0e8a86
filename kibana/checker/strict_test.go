package checker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// strict decodes all of data, and nothing that the struct does not have; what
// was decoded must encode to data again, so nothing is missing either.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	again, err := canonical(into)
	if err != nil {
		return err
	}
	var any any
	if err := json.Unmarshal(data, &any); err != nil {
		return err
	}
	whole, err := canonical(any)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, whole) {
		return fmt.Errorf("members are missing, null or twice: %s instead of %s", whole, again)
	}
	return nil
}

// canonical is one line with sorted keys and < > & as they are.
func canonical(v any) ([]byte, error) {
	encode := func(v any) ([]byte, error) {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(v)
		return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
	}
	line, err := encode(v)
	if err != nil {
		return nil, err
	}
	var any any // the keys of a struct are in its order
	if err := json.Unmarshal(line, &any); err != nil {
		return nil, err
	}
	return encode(any)
}

// oneOf is an enumeration.
func oneOf(what, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%s is %q, not one of %q", what, value, allowed)
	}
	return nil
}
