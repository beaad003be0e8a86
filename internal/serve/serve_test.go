package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prepared := 0
		r := newRig(t, func(c *Config, _ *spool.Options) {
			c.Prepare = func(context.Context) error { prepared++; return nil }
		})
		r.accept(1, 2) // before Run
		r.start()
		r.accept(3)
		time.Sleep(watchEvery + 10*time.Second)
		r.wantDelivered(1, 2, 3)
		if reasons := r.Ready(); len(reasons) > 0 {
			t.Errorf("not ready: %v", reasons)
		}
		st := r.Status()
		if st.Elasticsearch != (intake.Elasticsearch{URL: "http://es:9200", Version: "8.19.0", Up: true}) ||
			st.Delivery.State != stateIdle || st.Rejects != 0 {
			t.Errorf("%+v", st)
		}
		if n := r.counts.of("stored lava lab-a"); n != 3 || r.counts.of("documents stored") != 9 {
			t.Errorf("%v", r.counts.n)
		}
		time.Sleep(time.Hour)
		r.accept(4)
		time.Sleep(10 * time.Second)
		r.wantDelivered(1, 2, 3, 4)
		if prepared != 2 { // once, and again after what was prepared had become old
			t.Errorf("prepared %d times", prepared)
		}
		r.end()
		r.wantDelivered(1, 2, 3, 4)
	})
}

// A post that comes again is answered and stores nothing, whether the first one
// waits, is stored, or state cannot be asked.
func TestDuplicatePosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.es.set(func(e *elastic) { e.away = true })
		r.start()
		time.Sleep(time.Minute)
		r.accept(1, 1, 1)
		if st := r.spool.Stats(); st.Records != 1 || r.counts.of("duplicate lava lab-a") != 2 {
			t.Errorf("%+v, %v", st, r.counts.n)
		}
		// Other bytes are another version of the record.
		other := post(1)
		other.Payload = append(other.Payload, ' ')
		if err := r.Accept(t.Context(), other); err != nil || r.spool.Stats().Records != 2 {
			t.Errorf("%v, %+v", err, r.spool.Stats())
		}
		r.es.set(func(e *elastic) { e.away = false })
		time.Sleep(10 * time.Minute)
		r.wantDelivered(1)
		// The bytes that were finished last are known.
		if err := r.Accept(t.Context(), other); err != nil {
			t.Error(err)
		}
		r.accept(2)
		time.Sleep(10 * time.Second)
		stored := r.es.sent()
		r.accept(2)
		if st := r.spool.Stats(); st.Records != 0 {
			t.Errorf("a finished record is spooled again: %+v", st)
		}
		r.store.set(&state.LockedError{})
		began := time.Now()
		r.accept(2)
		if waited := time.Since(began); waited > lookupFor || r.spool.Stats().Records != 1 {
			t.Errorf("waited %v for a locked state, spool %+v", waited, r.spool.Stats())
		}
		r.store.set(nil)
		time.Sleep(time.Minute)
		if r.es.sent() != stored {
			t.Errorf("a finished record was sent again")
		}
		r.wantDelivered(1, 2)
		r.end()
	})
}

// Elasticsearch away for hours: posts are taken, /readyz says why, and then all
// is delivered once.
func TestElasticsearchAwayForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config, _ *spool.Options) { c.Pipeline.ES.Bulk.FlushActions = 3 })
		r.start()
		r.accept(1)
		time.Sleep(10 * time.Second)
		r.es.set(func(e *elastic) { e.away = true })
		var ids []int
		for i := range 20 {
			ids = append(ids, i+1)
			if i > 0 {
				r.accept(i + 1)
			}
			time.Sleep(10 * time.Minute)
		}
		reasons := strings.Join(r.Ready(), "; ")
		if !strings.Contains(reasons, "Elasticsearch away since") || !strings.Contains(reasons, "connection refused") {
			t.Errorf("ready: %q", reasons)
		}
		if st := r.Status(); st.Elasticsearch.Up || st.Delivery.State != stateWaiting || st.Spool.Records != 19 ||
			st.Spool.Oldest.IsZero() {
			t.Errorf("%+v", st)
		}
		r.es.set(func(e *elastic) { e.away = false })
		time.Sleep(10 * time.Minute)
		r.wantDelivered(ids...)
		if reasons := r.Ready(); len(reasons) > 0 {
			t.Errorf("not ready: %v", reasons)
		}
		r.end()
	})
}

// Refused credentials do not end serve: it says so once in a while, goes on
// taking posts, and delivers when they are right again.
func TestRefusedCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.es.set(func(e *elastic) { e.status = 401 })
		r.start()
		r.accept(1)
		time.Sleep(time.Minute)
		r.es.set(func(e *elastic) {
			e.asked = func() { // it does not look well in between, while it is tried again
				if len(r.Ready()) == 0 {
					t.Error("ready while the credentials are refused")
				}
			}
		})
		time.Sleep(time.Hour)
		r.es.set(func(e *elastic) { e.asked = nil })
		r.accept(2)
		reasons := strings.Join(r.Ready(), "; ")
		if !strings.Contains(reasons, "delivery stopped: the credentials were not accepted") {
			t.Errorf("ready: %q", reasons)
		}
		if st := r.Status(); st.Delivery.State != stateStopped {
			t.Errorf("%+v", st.Delivery)
		}
		if n := strings.Count(r.log.String(), "delivery has stopped"); n < 1 || n > 7 {
			t.Errorf("%d lines in an hour:\n%s", n, r.log)
		}
		if len(r.store.rejected()) > 0 {
			t.Error("a record was rejected because of the credentials")
		}
		r.es.set(func(e *elastic) { e.status = 0 })
		time.Sleep(2 * time.Minute)
		r.wantDelivered(1, 2)
		if !strings.Contains(r.log.String(), "delivery goes on") || len(r.Ready()) > 0 {
			t.Errorf("ready: %v, log:\n%s", r.Ready(), r.log)
		}
		r.end()
	})
}

// A state file that others hold, or that cannot be written, stops delivery for as
// long as that lasts, and nothing else.
func TestStateTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		time.Sleep(time.Second)
		ids := []int{}
		for i, trouble := range []error{&state.LockedError{Path: "kcing.db", Command: "kcing state check"},
			errors.Join(state.ErrNoSpace, syscall.ENOSPC)} {
			r.store.set(trouble)
			r.accept(2*i+1, 2*i+2)
			ids = append(ids, 2*i+1, 2*i+2)
			time.Sleep(10 * time.Minute)
			if st := r.Status(); st.Delivery.State != stateWaiting || st.Spool.Records != 2 {
				t.Errorf("%v: %+v", trouble, st)
			}
			if reasons := strings.Join(r.Ready(), "; "); !strings.Contains(reasons, "delivery waiting: ") {
				t.Errorf("%v: ready: %q", trouble, reasons)
			}
			r.store.set(nil)
			time.Sleep(2 * time.Minute)
			r.wantDelivered(ids...)
		}
		r.end()
	})
}

// Documents are not sent again and again because the state file is held while
// they are under way.
func TestStateLockedWhileDocumentsAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.es.set(func(e *elastic) { e.asked = func() { r.store.set(&state.LockedError{}) } })
		r.accept(1)
		time.Sleep(10 * time.Minute)
		if n := r.es.sent(); n != 1 || r.store.count() != 0 {
			t.Errorf("%d requests, %d finished", n, r.store.count())
		}
		if reasons := strings.Join(r.Ready(), "; "); !strings.Contains(reasons, "delivery waiting: ") {
			t.Errorf("ready: %q", reasons)
		}
		r.store.set(nil)
		time.Sleep(10 * time.Second)
		r.wantDelivered(1)
		r.end()
	})
}

// While another process holds the state file at the start, posts are taken.
func TestStateLockedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.store.set(&state.LockedError{})
		r.start()
		time.Sleep(time.Minute)
		r.accept(1)
		if reasons := strings.Join(r.Ready(), "; "); !strings.Contains(reasons, "state file is not open") {
			t.Errorf("ready: %q", reasons)
		}
		bad := &intake.Post{Kind: kinds.LAVA, Payload: []byte(`{"id":7}`)}
		var refusal *intake.Refusal
		if err := r.Accept(t.Context(), bad); !errors.As(err, &refusal) || refusal.Status != 422 {
			t.Errorf("%v", err)
		}
		r.store.set(nil)
		time.Sleep(time.Minute)
		r.wantDelivered(1)
		if rejects := r.store.rejected(); len(rejects) != 1 || string(rejects[0].Body) != `{"id":7}` {
			t.Errorf("the refused post is not among the rejects: %+v", rejects)
		}
		r.end()
	})
}

func TestStateThatCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.store.set(state.ErrNewer)
		r.start()
		if err := <-r.ended; !errors.Is(err, state.ErrNewer) {
			t.Errorf("%v", err)
		}
	})
}

// What processes that are gone have left is delivered, at the start and later.
func TestAdoptsLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		leave := func(id int) {
			t.Helper()
			s, err := spool.Open(r.dir, spool.Options{})
			if err != nil {
				t.Fatal(err)
			}
			left := spool.Meta{Kind: "lava", Name: "somewhere", Key: "crawl lava https://lava.example/1"}
			if _, err := s.Put(t.Context(), left, callback(id, "lab-a")); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		leave(1)
		r.start()
		time.Sleep(10 * time.Second)
		r.wantDelivered(1)
		leave(2)
		time.Sleep(adoptEvery + 10*time.Second)
		r.wantDelivered(1, 2)
		r.end()
		if n := r.counts.of("stored lava lab-a"); n != 2 { // and not the key of another command
			t.Errorf("%d are counted for their lab: %v", n, r.counts.n)
		}
	})
}

func TestOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config, _ *spool.Options) { c.Pipeline.Workers = 1 })
		now := time.Now()
		for _, age := range []int{3, 9, 1, 7} {
			p := post(age)
			p.Received = now.Add(-time.Duration(age) * time.Hour)
			if err := r.Accept(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		r.start()
		time.Sleep(10 * time.Second)
		r.end()
		if want := []string{"lab-a/9", "lab-a/7", "lab-a/3", "lab-a/1"}; !slices.Equal(r.store.order, want) {
			t.Errorf("%v, want %v", r.store.order, want)
		}
	})
}

// A file that was damaged on the disk is set aside and costs nothing else.
func TestCorruptFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.accept(1, 2, 3)
		spoil(t, r.dir)
		r.start()
		time.Sleep(10 * time.Second)
		if n := len(r.es.boots()); n != 2 {
			t.Errorf("%d stored", n)
		}
		if st := r.Status().Spool; st.Records != 0 || st.Corrupt != 1 {
			t.Errorf("%+v", st)
		}
		if waiting, underWay := r.queue.Len(); waiting+underWay != 0 {
			t.Errorf("%d wait, %d under way", waiting, underWay)
		}
		r.end()
	})
}

// A file that the disk does not give back now holds nothing else up, and is tried
// again.
func TestUnreadableFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.accept(1, 2)
		names, err := filepath.Glob(filepath.Join(r.dir, "*.record"))
		if err != nil || len(names) != 2 {
			t.Fatal(names, err)
		}
		aside := filepath.Join(t.TempDir(), "aside")
		if err := errors.Join(os.Rename(names[0], aside), os.Mkdir(names[0], 0o700)); err != nil {
			t.Fatal(err)
		}
		r.start()
		time.Sleep(10 * time.Second)
		if n := len(r.es.boots()); n != 1 || r.spool.Stats().Records != 1 {
			t.Errorf("%d stored, %+v", n, r.spool.Stats())
		}
		if err := errors.Join(os.Remove(names[0]), os.Rename(aside, names[0])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(adoptEvery + 10*time.Second)
		r.wantDelivered(1, 2)
		r.end()
	})
}

// Documents that Elasticsearch refuses are rejects, and their record is finished.
func TestRejectedDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.es.set(func(e *elastic) { e.refuse = func(id string) bool { return id == "lab-a/1/t/10" } })
		r.start()
		r.accept(1, 2)
		time.Sleep(20 * time.Second)
		r.wantDelivered(1, 2)
		if n := r.counts.of("rejected lava lab-a lab-a/1 because"); n != 1 || r.counts.of("stored lava lab-a") != 1 {
			t.Errorf("%v", r.counts.n)
		}
		if st := r.Status(); st.Rejects != 1 {
			t.Errorf("%+v", st)
		}
		r.end()
	})
}

// Shut down, serve finishes what is there.
func TestDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config, _ *spool.Options) { c.Pipeline.ES.Bulk.FlushInterval = time.Hour })
		r.start()
		time.Sleep(time.Second)
		r.accept(1, 2, 3)
		r.end()
		r.wantDelivered(1, 2, 3)
	})
}

// What came in the last moment, after the last run of the pipeline, is delivered
// too.
func TestDrainsTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.health.elasticsearch(true, "")
		r.accept(1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Run(ctx, time.Minute); err != nil {
			t.Error(err)
		}
		r.wantDelivered(1)
	})
}

// Shut down while Elasticsearch is away or hangs, serve ends within the bound, and
// what is left is whole in the spool for the next one.
func TestDrainIsBounded(t *testing.T) {
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprint(hang), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				r.start()
				time.Sleep(time.Second)
				r.es.set(func(e *elastic) { e.hang, e.away = hang, !hang })
				r.accept(1, 2)
				time.Sleep(3 * time.Second)
				began := time.Now()
				r.end()
				most := 2 * time.Second
				if hang {
					most = drainFor + time.Second
				}
				if took := time.Since(began); took > most {
					t.Errorf("it took %v", took)
				}
				if st := r.spool.Stats(); st.Records != 2 {
					t.Fatalf("%+v", st)
				}
				if err := r.spool.Close(); err != nil {
					t.Fatal(err)
				}
				s, err := spool.Open(r.dir, spool.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close() //nolint:errcheck // a test
				if items, err := s.Adopt(t.Context()); err != nil || len(items) != 2 {
					t.Errorf("%v, %v", items, err)
				}
			})
		})
	}
}

// Many posts at once while Elasticsearch comes and goes: each is stored once.
func TestManyPostsWhileElasticsearchComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config, _ *spool.Options) { c.Pipeline.ES.Bulk.FlushActions = 7 })
		r.start()
		var clients sync.WaitGroup
		var ids []int
		for i := range 120 {
			ids = append(ids, i)
		}
		for c := range 8 {
			clients.Go(func() {
				for i := c; i < len(ids); i += 8 {
					if err := r.Accept(t.Context(), post(ids[i])); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Duration(i%7) * time.Second)
				}
			})
		}
		clients.Go(func() {
			for i := range 12 {
				r.es.set(func(e *elastic) { e.away, e.status = i%4 == 1, []int{0, 0, 503, 429}[i%4] })
				time.Sleep(4 * time.Second)
			}
			r.es.set(func(e *elastic) { e.away, e.status = false, 0 })
		})
		clients.Wait()
		time.Sleep(10 * time.Minute)
		r.wantDelivered(ids...)
		if n := r.counts.of("stored lava lab-a"); n != len(ids) {
			t.Errorf("%d counted", n)
		}
		r.end()
	})
}
