package bulk

import (
	"compress/gzip"
	"io"
	"net/http"
)

// gunzip is a server that takes compressed requests and nothing else.
type gunzip struct{ http.Handler }

func (g gunzip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	r.Body = io.NopCloser(z)
	g.Handler.ServeHTTP(w, r)
}
