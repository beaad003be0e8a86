package intake

import "time"

// Status is the state of the rest of the process, as /status and /metrics show
// it. It holds no secrets.
type Status struct {
	Elasticsearch Elasticsearch `json:"elasticsearch"`
	Delivery      Delivery      `json:"delivery"`
	Spool         Spool         `json:"spool"`
	// Rejects is how many entries `kcing rejects list` has; -1 when unknown.
	Rejects int `json:"rejects"`
}

// Elasticsearch says how the cluster was when it was last heard of.
type Elasticsearch struct {
	URL     string `json:"url"`     // without user and password
	Version string `json:"version"` // empty before the first answer
	Up      bool   `json:"up"`
	Detail  string `json:"detail"` // why not, in words; also "yellow" or the like
}

// Delivery says what the background delivery does.
type Delivery struct {
	// State is one word or two: "delivering", "idle", "waiting", "stopped".
	State  string `json:"state"`
	Detail string `json:"detail"`
	// Since is when it came into this state; zero when unknown.
	Since time.Time `json:"since,omitzero"`
}

// Spool describes the records that are accepted and not yet finished.
type Spool struct {
	Records  int       `json:"records"`
	Bytes    int64     `json:"bytes"`
	MaxBytes int64     `json:"max_bytes"` // 0: no limit
	Oldest   time.Time `json:"oldest,omitzero"`
	Corrupt  int       `json:"corrupt"` // files set aside
}
