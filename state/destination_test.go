package state_test

import (
	"testing"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func TestDestination(t *testing.T) {
	s := statetest.Open(t)
	if d, ok, err := s.Destination(ctx); ok || err != nil {
		t.Fatalf("a new file has one: %+v, %v", d, err)
	}
	want := state.Destination{Cluster: "PdbiQ2W8QF-3gW0wgQ7VAw", Prefix: "ci-"}
	if err := s.SetDestination(ctx, want); err != nil {
		t.Fatal(err)
	}
	if d, ok, err := s.Destination(ctx); d != want || !ok || err != nil {
		t.Errorf("got %+v, %v, %v", d, ok, err)
	}
}
