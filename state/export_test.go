package state

import "context"

// HoldForTest keeps the file as one long transaction would, until release.
func HoldForTest(s *Store) (release func(), err error) {
	h, err := s.acquire(context.Background())
	if err != nil {
		return nil, err
	}
	return func() { s.release(h, nil, false) }, nil
}

// MaxHold and Gap are how long a process in continuous use keeps the file, and
// how long it then leaves it free.
const (
	MaxHold = maxHold
	Gap     = gap
)
