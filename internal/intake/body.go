package intake

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/kcing/kcing/internal/gzipped"
)

const (
	minBuffer = 4 << 10
	// gzipMemory is what a gzip reader and its input buffer take, about.
	gzipMemory = 48 << 10
)

var (
	errNoMemory = errors.New("too many bodies are being received at once")
	errTimeout  = errors.New("the body did not arrive in time")
	errCut      = errors.New("the connection ended before the body did")
)

// body is a body as far as it was read. Its memory is paid for from the budget
// until free.
type body struct {
	bytes  []byte
	budget *budget
	paid   int64
}

func (b *body) pay(n int64) error {
	if !b.budget.take(n) {
		return errNoMemory
	}
	b.paid += n
	return nil
}

func (b *body) free() {
	b.budget.give(b.paid)
	b.bytes, b.paid = nil, 0
}

// read reads a request's body, decompressed, of at most limit bytes. On an error
// b holds what came before it. The error is a *Refusal for a body that will
// never do, otherwise errNoMemory, errTimeout or errCut.
func (b *body) read(r *http.Request, limit int64) error {
	raw := &rawBody{r: r.Body, left: limit + 1}
	saysGzip, refusal := encoding(r.Header)
	if r.ContentLength > limit {
		refusal = tooLarge(limit)
	}
	if refusal != nil {
		if r.Header.Get("Expect") == "" { // else the sender learns of it without having sent anything
			b.beginning(raw)
		}
		return refusal
	}
	whole, isGzip, err := gzipped.Sniff(raw)
	if raw.broken() {
		return raw.failure()
	}
	if saysGzip && !isGzip && !errors.Is(err, io.EOF) {
		return &Refusal{
			Status: http.StatusBadRequest, Type: "bad_gzip",
			Reason: "Content-Encoding says gzip, and the body is not gzip",
		}
	}
	if isGzip {
		return b.gunzip(whole, raw, limit)
	}
	if err := b.fill(whole, r.ContentLength, limit); err != nil {
		if raw.broken() {
			return raw.failure()
		}
		return err
	}
	return nil
}

// beginning reads some of a body that is refused already, for the rejects.
func (b *body) beginning(r io.Reader) {
	const most = 64 << 10
	_ = b.fill(io.LimitReader(r, most), most, most) // what came will do
}

// gunzip reads by the magic number and not by the header alone: LAVA's job_data
// files are gzip, and curl sends one without saying so.
func (b *body) gunzip(r io.Reader, raw *rawBody, limit int64) error {
	if err := b.pay(gzipMemory); err != nil {
		return err
	}
	z, err := gzip.NewReader(bufio.NewReaderSize(r, minBuffer))
	if err == nil {
		err = b.fill(z, -1, limit)
	}
	var refusal *Refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoMemory), errors.As(err, &refusal):
		return err
	case raw.broken():
		return raw.failure()
	case raw.left == 0:
		return tooLarge(limit)
	}
	return &Refusal{
		Status: http.StatusBadRequest, Type: "bad_gzip",
		Reason: fmt.Sprintf("damaged gzip body (%v): send the file again", err),
	}
}

// committed is from which size on the rest of a body with a known length is paid
// for at once: large ones that grew side by side would keep each other from the
// end, and each would be refused.
const committed = 1 << 20

// fill appends r to b up to its end. size is r's length, or -1. The buffer
// doubles up to committed and goes no further than size: a header alone promises
// nothing.
func (b *body) fill(r io.Reader, size, limit int64) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(size, limit); err != nil {
				return err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > limit {
			return tooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *body) grow(size, limit int64) error {
	old := int64(cap(b.bytes))
	next := max(2*old, minBuffer)
	if size >= 0 {
		next = min(next, size+1) // one more, to see the end
		if old >= committed {
			next = size + 1
		}
	}
	next = min(max(next, old+1), limit+1)
	if err := b.pay(next); err != nil {
		return err
	}
	grown := make([]byte, len(b.bytes), next)
	copy(grown, b.bytes)
	b.bytes = grown
	b.budget.give(old)
	b.paid -= old
	return nil
}

// rawBody is the body as it comes from the connection, with its fault noted:
// behind a gzip reader nobody could tell a lost connection from damaged data.
type rawBody struct {
	r    io.Reader
	left int64 // bytes that may still be read
	err  error
}

func (b *rawBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if err != nil {
		b.err = err
	}
	return n, err
}

func (b *rawBody) broken() bool { return b.err != nil && !errors.Is(b.err, io.EOF) }

func (b *rawBody) failure() error {
	if errors.Is(b.err, os.ErrDeadlineExceeded) {
		return errTimeout
	}
	return errCut
}

// encoding reports whether the body is said to be gzip.
func encoding(h http.Header) (gzipped bool, refusal *Refusal) {
	switch e := strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))); e {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	default:
		return false, &Refusal{Status: http.StatusUnsupportedMediaType, Type: "unsupported_encoding",
			Reason: fmt.Sprintf("Content-Encoding %q: send the body plain or with gzip", clip(e, 40))}
	}
}

func tooLarge(limit int64) *Refusal {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Type: "too_large",
		Reason: fmt.Sprintf("the record is longer than %d bytes (KCING_MAX_RECORD_BYTES)", limit)}
}
