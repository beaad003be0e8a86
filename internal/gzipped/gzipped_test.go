package gzipped

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSniff(t *testing.T) {
	f := func(data string, want bool, wantErr error) {
		t.Helper()
		whole, got, err := Sniff(iotest.OneByteReader(strings.NewReader(data)))
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("%q: %v, %v", data, got, err)
		}
		if all, err := io.ReadAll(whole); err != nil || string(all) != data {
			t.Errorf("%q: %q is left, %v", data, all, err)
		}
	}
	f("", false, io.EOF)
	f("\x1f", false, nil)
	f("\x1f\x8b", true, nil)
	f("\x1f\x8b\x08 and so on", true, nil)
	f("{}", false, nil)

	for _, broken := range []error{errors.New("no more"), io.ErrUnexpectedEOF} {
		if _, got, err := Sniff(iotest.ErrReader(broken)); got || !errors.Is(err, broken) {
			t.Errorf("%v, %v", got, err)
		}
	}
}
