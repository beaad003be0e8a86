package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/spool"
)

// spoolReport describes the records that are accepted and not yet finished, of
// all processes together.
type spoolReport struct {
	Path    string    `json:"path"`
	Error   string    `json:"error,omitempty"`
	Records int       `json:"records"`
	Bytes   int64     `json:"bytes"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Corrupt int       `json:"corrupt"` // files set aside
}

func (r *spoolReport) read(dir string) error {
	r.Path = dir
	st, err := spool.Inspect(dir)
	if err != nil {
		r.Error = err.Error()
		return fmt.Errorf("%w (KCING_DATA)", err)
	}
	r.Records, r.Bytes, r.Oldest, r.Corrupt = st.Records, st.Bytes, st.Oldest, st.Corrupt
	return nil
}

// line is the report on one line.
func (r *spoolReport) line(now time.Time) string {
	if r.Error != "" {
		return r.Error
	}
	text := "empty"
	if r.Records > 0 {
		text = fmt.Sprintf("%s waiting, %s, the oldest %s", plural(r.Records, "record"), bytesText(r.Bytes),
			humanize.RelTime(r.Oldest, now, "old", "from the future"))
	}
	if r.Corrupt > 0 {
		text += fmt.Sprintf("; %s set aside in %s", plural(r.Corrupt, "damaged file"), filepath.Join(r.Path, "corrupt"))
	}
	return text
}
