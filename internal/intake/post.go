package intake

import "time"

// Post is one record as it was posted.
type Post struct {
	Kind string // of package kinds

	// Payload is the body, decompressed; nobody else refers to it. For
	// Config.Refused it may be only the beginning, see Size.
	Payload []byte
	// Size is the length of the whole body in bytes; of a body that was not
	// read to its end what the header said, or -1.
	Size int64

	// Lab is lab_name of the query and wins over the body's. Empty when there is
	// none; then the body's counts, and without that TokenLab. Accept may set it
	// to the lab it found, for the log and the metrics.
	Lab string
	// TokenLab is the lab of the token that came with the post: "" without
	// tokens and for tokens of [AnyLab]. It agrees with Lab; whether it agrees
	// with the lab of the body is for Accept to see, with CheckLab.
	TokenLab string
	// NodeID is the Maestro node of /node/{node_id}, otherwise empty.
	NodeID string
	// Key may be set by Accept: the record's key, for the log.
	Key string

	RequestID string
	Remote    string    // the sender's IP address, that of the proxy behind one
	Received  time.Time // when the request's header had come in
}

// CheckLab returns a *Refusal when the post's token is another lab's than lab,
// the one that the record names. No lab agrees with every token.
func (p *Post) CheckLab(lab string) error {
	if p.TokenLab == "" || lab == "" || p.TokenLab == lab {
		return nil
	}
	return otherLab(lab)
}
