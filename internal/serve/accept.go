package serve

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// Accept makes a post durable. It is intake.Config.Accept: nil when the record is
// in the spool, or was stored earlier with the same bytes; *intake.Refusal when
// it can never be stored, and is among the rejects; *intake.Busy when the spool
// has no room. It sets Lab and Key of p.
func (s *Server) Accept(ctx context.Context, p *intake.Post) error {
	var rec transform.Record
	lab, err := s.parse(p, &rec)
	switch {
	case errors.Is(err, transform.ErrBlank):
		return nil
	case err != nil:
		return s.refuse(ctx, p, &rec, lab, err)
	}
	m := spool.Meta{Kind: string(rec.Kind), Key: rec.Key, Name: nameOf(p), Lab: lab, NodeID: p.NodeID,
		Received: p.Received}
	if s.known(ctx, m, p.Payload) {
		s.config.Metrics.Count(intake.Duplicate, m.Kind, rec.Lab)
		return nil
	}
	return s.put(ctx, m, p.Payload)
}

// parse reads the outside of a post, and finds the lab that is given from
// outside: the query's, else the token's when the body names none. Its error is
// ErrBlank, a *transform.RefusedError or a *intake.Refusal.
func (s *Server) parse(p *intake.Post, rec *transform.Record) (lab string, err error) {
	o := transform.Options{
		Kind: transform.Kind(p.Kind), Lab: p.Lab, OtherLab: cmp.Or(p.TokenLab,
			s.config.Pipeline.OtherLab), NodeID: p.NodeID,
		IngestTime: s.config.Pipeline.IngestTime,
	}
	if err := rec.Parse(p.Payload, o); err != nil {
		return o.Lab, err
	}
	lab = o.Lab
	if lab == "" && rec.Lab == p.TokenLab && rec.Kind == transform.KindLAVA {
		lab = p.TokenLab // before what a node may say
	}
	p.Lab, p.Key = rec.Lab, rec.Key
	return lab, p.CheckLab(rec.Lab)
}

// nameOf says where a post came from.
func nameOf(p *intake.Post) string { return "posted by " + p.Remote }

// known reports whether the record was stored earlier, or waits in the spool, with
// these bytes. When state is not to be had soon the answer is no: then the
// record is stored twice over, and once in Elasticsearch.
func (s *Server) known(ctx context.Context, m spool.Meta, payload []byte) bool {
	sum := sha256.Sum256(payload)
	if items, err := s.config.Spool.Find(m.Kind, m.Key); err == nil {
		for _, it := range items {
			if waiting, err := s.config.Spool.Stat(it); err == nil && waiting.Digest == sum && waiting.Lab == m.Lab &&
				waiting.NodeID == m.NodeID {
				return true
			}
		}
	}
	store := s.store.Load()
	if store == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookupFor)
	defer cancel()
	entries, err := (*store).Lookup(ctx, []state.Key{{Kind: m.Kind, ID: m.Key}})
	return err == nil && len(entries) == 1 && entries[0].Found &&
		entries[0].Finished.Matches(state.Digest(sum[:len(state.Digest{})]))
}

// put spools a record and puts it in line.
func (s *Server) put(ctx context.Context, m spool.Meta, payload []byte) error {
	it, err := s.config.Spool.Put(ctx, m, payload)
	var full *spool.FullError
	switch {
	case err == nil:
		s.queue.Add(it)
		return nil
	case errors.As(err, &full):
		s.full(full)
		reason := "the spool is full: what was accepted before has to reach Elasticsearch first"
		if full.Err != nil {
			reason = "the spool's disk has no room"
		}
		return &intake.Busy{RetryAfter: retryAfter, Reason: reason}
	case errors.Is(err, spool.ErrInvalid):
		return &intake.Refusal{Status: http.StatusUnprocessableEntity, Type: "bad_key", Reason: err.Error()}
	}
	return err
}

// refuse puts a post among the rejects and tells why. When state is not to be
// had soon the post goes through the spool: delivery comes to the same end.
func (s *Server) refuse(ctx context.Context, p *intake.Post, rec *transform.Record, lab string, why error) error {
	var refusal *intake.Refusal
	if !errors.As(why, &refusal) {
		class, reason := pipeline.Reason(why)
		refusal = &intake.Refusal{Status: statusOf(class), Type: class, Reason: reason,
			NoReject: class == transform.TypeNotFinished}
	}
	if refusal.Status == http.StatusForbidden || refusal.NoReject {
		return refusal // a wrong token's record is not kept
	}
	r := source.Record{Name: nameOf(p), Kind: p.Kind, Payload: p.Payload, Size: int64(len(p.Payload)), Lab: lab,
		NodeID: p.NodeID, Received: p.Received}
	if refusal.Status == http.StatusBadRequest {
		// No JSON object: no later kcing will take it either, and the rejects must
		// not be full of what anybody may post.
		r.Payload = source.Beginning(p.Payload)
	}
	if err := s.reject(ctx, pipeline.Refusal(r, rec, why)); err != nil {
		m := spool.Meta{Kind: p.Kind, Key: rec.Key, Name: r.Name, Lab: lab, NodeID: p.NodeID, Received: p.Received}
		if err := s.put(ctx, m, p.Payload); err != nil {
			return err
		}
	}
	return refusal
}

// statusOf is 400 for what is no JSON object, and 422 for one that is no record.
func statusOf(class string) int {
	switch class {
	case "not_json", "not_an_object":
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}

// reject writes to state now, or fails.
func (s *Server) reject(ctx context.Context, r state.Reject) error {
	store := s.store.Load()
	if store == nil {
		return errNoStore
	}
	ctx, cancel := context.WithTimeout(ctx, rejectFor)
	defer cancel()
	return (*store).Commit(ctx, state.Batch{Rejects: []state.Reject{r}})
}

var errNoStore = errors.New("the state file is not open yet")

// Refused puts a post among the rejects that the intake itself has refused. It is
// intake.Config.Refused.
func (s *Server) Refused(ctx context.Context, p *intake.Post, why *intake.Refusal) {
	r := source.Record{Name: nameOf(p), Kind: p.Kind, Payload: source.Beginning(p.Payload),
		Size: max(p.Size, int64(len(p.Payload))), Lab: p.Lab, Received: p.Received, Err: why}
	if len(p.Payload) == 0 { // without bytes all of them would be one reject
		r.Name += ", request " + p.RequestID
	}
	reject := pipeline.Refusal(r, new(transform.Record), why)
	reject.Type, reject.Reason = why.Type, why.Reason
	if err := s.reject(ctx, reject); err != nil {
		s.config.Logger.Error("a refused post is not among the rejects", "request_id", p.RequestID, "remote", p.Remote,
			"kind", p.Kind, "type", why.Type, "reason", why.Reason, "error", err)
	}
}
