package bulk

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/retry"
)

// maxAnswerBytes bounds what is read of one answer. Elasticsearch's answer to
// 1000 documents is some 25 KB, with an error for each of them about 1 MB.
const maxAnswerBytes = 64 << 20

// filterPath asks for what decodeItems reads and nothing else; it cuts the
// answer from 200 to 26 bytes a document. Errors of the whole request are not
// filtered (AbstractRestChannel.newErrorBuilder).
var filterPath = []string{"took", "errors", "items.*.status", "items.*.error.type", "items.*.error.reason"}

func (s *sender) compress(body []byte) []byte {
	w, ok := s.ix.gzips.Get().(*gzip.Writer)
	if !ok {
		w, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // The level is valid.
	}
	defer s.ix.gzips.Put(w)
	var out bytes.Buffer
	out.Grow(len(body)/10 + 512)
	w.Reset(&out)
	_, _ = w.Write(body) // A bytes.Buffer does not fail.
	_ = w.Close()
	return out.Bytes()
}

// sender delivers batches, one request at a time. It keeps a batch until every
// document has an outcome: what must be sent again waits here, not in a queue.
type sender struct {
	ix      *Indexer
	answer  bytes.Buffer
	items   []item
	work    []*piece // of the present batch; the next one is last
	suspect *piece   // a single document refused with 400, see isolate
}

func newSender(ix *Indexer) *sender { return &sender{ix: ix} }

func (s *sender) run() {
	for b := s.ix.take(nil); b != nil; b = s.ix.take(b) {
		s.deliver(b)
	}
	s.ix.senderEnded()
}

func (s *sender) deliver(b *batch) {
	s.work = append(s.work[:0], &piece{batch: b, payload: b.payload, entries: b.entries})
	b.payload, b.entries = nil, nil // The pieces own them now, and may free them earlier.
	for n := len(s.work); n > 0; n = len(s.work) {
		p := s.work[n-1]
		s.work[n-1] = nil
		s.work = s.work[:n-1]
		s.step(p)
	}
	s.resolveSuspect()
}

// step sends p once, when it may be sent.
func (s *sender) step(p *piece) {
	ctx, cancel := p.deadline(s.ix.sending, &s.ix.o)
	defer cancel()
	if wait := time.Until(p.due); wait > 0 && s.ix.gate.sleep(ctx, nil, wait) != nil {
		s.giveUp(p)
		return
	}
	probe, err := s.ix.gate.enter(ctx)
	if err != nil {
		s.giveUp(p)
		return
	}
	r := s.send(p)
	p.attempts++
	aborted := r.err != nil && s.ix.sending.Err() != nil
	r.throttled = r.verdict == vThrottle || r.verdict == vSplit && s.takesNothing(p)
	if r.verdict == vStored {
		s.readItems(p, &r)
	}
	end := requestEnd{probe: probe, refused: r.throttled, aborted: aborted, moved: r.settled > 0, after: r.after}
	s.leave(end, p, r)
	s.judge(p, r)
}

// leave reports to the gate and logs the begin and the end of a pause.
func (s *sender) leave(end requestEnd, p *piece, r reply) {
	began, ended := s.ix.gate.leave(end)
	if !began && !ended {
		return
	}
	if s.ix.o.OnPause != nil {
		s.ix.o.OnPause(began)
	}
	level := slog.LevelDebug
	if s.ix.gate.loud(began) {
		level = slog.LevelWarn
	}
	if ended {
		s.ix.o.Logger.Log(s.ix.sending, level, "Elasticsearch takes documents again")
		return
	}
	s.ix.o.Logger.Log(s.ix.sending, level, "Elasticsearch is busy or away; bulk requests pause",
		"err", r.cause(), "attempt", p.attempts)
}

// reply is the answer to one request.
type reply struct {
	verdict   verdict // of the request as a whole; vStored: the items say more
	status    int
	sent      time.Time     // when the request began
	fault     *Error        // why the request was refused, or an item in a way that is fatal
	err       error         // no answer, or an unusable one; of items: why one has to be sent again
	after     time.Duration // Retry-After
	settled   int           // documents that have their outcome now
	throttled bool          // the request, or an item
}

func (r *reply) cause() error {
	if r.fault != nil {
		return r.fault
	}
	return r.err
}

// send performs the request and reads the answer, into s.items if it has items.
func (s *sender) send(p *piece) reply {
	ctx, cancel := s.ix.sending, context.CancelFunc(func() {})
	if s.ix.o.RequestTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.ix.o.RequestTimeout)
	}
	defer cancel()
	raw := p.body()
	wire, header := raw, http.Header{"Content-Type": {"application/x-ndjson"}}
	if s.ix.o.Compress {
		wire = s.compress(raw)
		header.Set("Content-Encoding", "gzip")
	}
	start := time.Now()
	// A fresh reader over bytes that are never written again: a transport may go
	// on reading a body after it has returned the answer.
	req := esapi.BulkRequest{Body: bytes.NewReader(wire), FilterPath: filterPath, Header: header}
	res, err := req.Do(ctx, s.ix.t)
	r := reply{verdict: vThrottle, err: err}
	class := "network"
	if err == nil {
		r = s.read(p, res)
		class = strconv.Itoa(r.status)
		if r.err != nil {
			class = "unusable"
		}
	}
	if r.err != nil && s.ix.sending.Err() != nil {
		class = "cancelled"
	}
	r.sent = start
	s.ix.countRequest(class, len(raw), len(wire), time.Since(start))
	return r
}

// read reads and closes the answer.
func (s *sender) read(p *piece, res *esapi.Response) reply {
	r := reply{status: res.StatusCode, after: retry.After(res.Header, time.Now())}
	defer func() { _ = res.Body.Close() }() // Nothing to do about it: the answer is read.
	s.answer.Reset()
	n, err := s.answer.ReadFrom(io.LimitReader(res.Body, maxAnswerBytes+1))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		// The status says it all, whatever became of the body.
		r.fault = decodeError(res.StatusCode, s.answer.Bytes())
		r.verdict = classifyRequest(r.fault)
		return r
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errAnswer, err)
	case n > maxAnswerBytes:
		err = fmt.Errorf("%w: over %d bytes", errAnswer, maxAnswerBytes)
	default:
		s.items = s.items[:0]
		for i := range p.entries {
			s.items = append(s.items, item{op: p.entries[i].doc.Op})
		}
		err = decodeItems(s.answer.Bytes(), s.items)
	}
	if err != nil {
		r.verdict, r.err = vRetry, err
	}
	return r
}
