//go:build unix

package state_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// Two stores of one process share the file as two processes do: flock(2) locks
// belong to the open file. So time can be the bubble's.

func pair(t *testing.T, o state.Options) (a, b *state.Store) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	return statetest.OpenPath(t, path, o), statetest.OpenPath(t, path, o)
}

// took returns how long a call takes.
func took(t *testing.T, fn func() error) time.Duration {
	t.Helper()
	began := time.Now()
	if err := fn(); err != nil {
		t.Error(err)
	}
	return time.Since(began)
}

func TestIdleFileIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, state.Options{Lease: 100 * time.Millisecond})
		time.Sleep(time.Second)
		commit(t, a, state.Finished{Key: lava("1")})
		d := took(t, func() error { _, err := b.Cursor(ctx, "x"); return err })
		if d < 90*time.Millisecond || d > 120*time.Millisecond {
			t.Errorf("waited %s for a lease of 100ms", d)
		}
		time.Sleep(time.Second)
		if d := took(t, func() error { _, err := a.Cursor(ctx, "x"); return err }); d != 0 {
			t.Errorf("waited %s for a file that is free", d)
		}
	})
}

func TestFileInContinuousUseIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, state.Options{})
		stop := make(chan struct{})
		var busy sync.WaitGroup
		uses := 0
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					if _, err := a.Cursor(ctx, "x"); err != nil {
						t.Error(err)
					}
					uses++
				}
			}
		})
		for range 20 {
			d := took(t, func() error { _, err := b.Cursor(ctx, "x"); return err })
			if d > state.MaxHold+state.Gap {
				t.Errorf("waited %s", d)
			}
			time.Sleep(60 * time.Millisecond) // past the lease
		}
		close(stop)
		busy.Wait()
		if uses < 1000 {
			t.Errorf("the busy one got only %d uses", uses)
		}
	})
}

func TestManyGoroutinesShareOneHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, state.Options{})
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				s := a
				if i%5 == 0 {
					s = b
				}
				for j := range 10 {
					k := lava(fmt.Sprintf("%d/%d", i, j))
					if err := s.Commit(ctx, state.Batch{Finished: []state.Finished{{Key: k, Time: day}}}); err != nil {
						t.Error(err)
						return
					}
					es, err := s.Lookup(ctx, []state.Key{k})
					if err != nil || !es[0].Found {
						t.Errorf("%v, %v", es, err)
					}
				}
			})
		}
		all.Wait()
		if c := must(a.Counts(ctx))(t); c.Finished["lava"] != 500 {
			t.Errorf("counted %v", c.Finished)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, state.Options{Wait: 3 * time.Second})
		time.Sleep(time.Second)
		release := must(state.HoldForTest(a))(t)

		began := time.Now()
		var others sync.WaitGroup
		for range 3 { // also those who wait for the one who waits
			others.Go(func() {
				var locked *state.LockedError
				if _, err := b.Cursor(ctx, "x"); !errors.As(err, &locked) || locked.Path != b.Path() {
					t.Errorf("got %v", err)
				}
			})
		}
		others.Wait()
		if d := time.Since(began); d < 3*time.Second || d > 3100*time.Millisecond {
			t.Errorf("waited %s of 3s", d)
		}

		reason := errors.New("interrupted")
		ended, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { cancel(reason) })
		began = time.Now()
		for range 3 {
			others.Go(func() {
				if err := b.SetCursor(ended, "x", "y"); !errors.Is(err, reason) {
					t.Errorf("got %v", err)
				}
			})
		}
		others.Wait()
		if d := time.Since(began); d != time.Second {
			t.Errorf("cancelled after %s", d)
		}
		if _, err := b.Cursor(ended, "x"); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
		release()
		if got := must(b.Cursor(ctx, "x"))(t); got != "" {
			t.Errorf("a cancelled call stored %q", got)
		}
	})
}

func TestCloseWaitsForUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, state.Options{})
		release := must(state.HoldForTest(a))(t)
		time.AfterFunc(time.Second, release)
		var waiting sync.WaitGroup
		waiting.Go(func() { // taking the file while Close begins
			if _, err := b.Cursor(ctx, "x"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		for _, s := range []*state.Store{a, b} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(began); d < time.Second {
			t.Errorf("closed after %s, under the user", d)
		}
		waiting.Wait()
	})
}
