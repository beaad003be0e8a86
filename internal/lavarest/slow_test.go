package lavarest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/lavarest/lavaresttest"
)

// slowServer answers a list after 30 s with a 500 when it is asked for more than
// so much time at once.
type slowServer struct {
	*lavaresttest.Server
	most time.Duration
	gave int
}

// RoundTrip implements [http.RoundTripper]: in memory, so that time is synctest's.
func (s *slowServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	q := r.URL.Query()
	from, _ := time.Parse(time.RFC3339Nano, q.Get("end_time__gt"))
	before, err := time.Parse(time.RFC3339Nano, q.Get("end_time__lt"))
	if r.URL.Path == "/api/v0.2/jobs/" && (err != nil || before.Sub(from) > s.most) {
		s.gave++
		time.Sleep(30 * time.Second)
		w.WriteHeader(http.StatusInternalServerError)
		return w.Result(), nil
	}
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestSlowList: what the server cannot list at once it is asked for in halves,
// and not again and again as a whole.
func TestSlowList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{Server: lavaresttest.New("2023.01"), most: 7 * time.Hour}
		s.Now = func() time.Time { return noon }
		var want []string
		for i := range 70 {
			s.Add(lavaresttest.Job{ID: int64(i + 1), End: noon.Add(time.Duration(i-70) * 20 * time.Minute)})
			want = append(want, strconv.Itoa(i+1))
		}
		o := New(Options{Lab: Lab{Name: "lab-a", URL: "http://lava.test"}, Fetch: fetch.Options{Transport: s}})
		got, _, err := list(t, o)
		if err != nil || !slices.Equal(got, want) || s.gave != 2 {
			t.Errorf("%v, %d slow answers, listed %v", err, s.gave, got)
		}
	})
}

// deafServer takes requests and never answers.
type deafServer struct{}

// RoundTrip implements [http.RoundTripper].
func (deafServer) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestSilentServer: it is given up within a minute.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := New(Options{Lab: Lab{Name: "lab-a", URL: "http://lava.test"},
			Fetch: fetch.Options{Transport: deafServer{}}})
		started := time.Now()
		err := o.Check(t.Context())
		var failed *fetch.TransferError
		if took := time.Since(started); !errors.As(err, &failed) || failed.Err.Error() != "no answer within 1m0s" ||
			took != checkWithin {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestSlowForGood: an end is reached all the same.
func TestSlowForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowServer{Server: lavaresttest.New("2023.01")}
		o := New(Options{Lab: Lab{Name: "lab-a", URL: "http://lava.test"}, Fetch: fetch.Options{Transport: s}})
		if _, _, err := list(t, o); !tooSlow(err) || s.gave > 20 {
			t.Errorf("%v after %d answers", err, s.gave)
		}
	})
}
