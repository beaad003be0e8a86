package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Listener is a port on which records of one kind come in.
type Listener struct {
	net.Listener
	Kind string        // of package kinds
	TLS  *Certificates // nil: no TLS
}

// Serve answers on the listeners, and closes them, until ctx is done or one of
// them fails; the latter is its error. Then no new connection is taken, and what
// is under way has drain to finish; after that connections are cut and the
// context of Accept ends. When Serve returns, no handler and no Accept runs.
func (in *Intake) Serve(ctx context.Context, drain time.Duration, listeners ...Listener) error {
	if len(listeners) == 0 {
		return errors.New("no listener to serve on")
	}
	failed := make(chan error, len(listeners))
	servers := make([]*http.Server, len(listeners))
	var serving sync.WaitGroup
	for i, l := range listeners {
		servers[i] = in.server(l.Kind)
		serving.Go(func() {
			if err := servers[i].Serve(in.bounded(l)); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("listener %s for %s records: %w", l.Addr(), l.Kind, err)
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	in.draining.Store(true)
	in.shutdown(context.WithoutCancel(ctx), drain, servers)
	serving.Wait()
	in.wait()
	return err
}

// shutdown ends the servers one beside the other, in good order within drain.
func (in *Intake) shutdown(ctx context.Context, drain time.Duration, servers []*http.Server) {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() {
			if err := s.Shutdown(ctx); err != nil {
				in.log.Warn("requests were still under way when the time to finish them was over; "+
					"they are cut and were not accepted",
					"drain", drain, "error", err)
				in.cut()
				_ = s.Close() // only closes connections; their errors tell nothing
			}
		})
	}
	all.Wait()
}

func (in *Intake) server(kind string) *http.Server {
	l := in.limits
	s := &http.Server{
		Handler:           in.Handler(kind),
		ReadHeaderTimeout: l.HeaderTimeout, // of TLS's handshake too
		ReadTimeout:       l.BodyTimeout,
		WriteTimeout:      l.BodyTimeout + l.AcceptTimeout + l.HeaderTimeout, // counts from the end of the header
		IdleTimeout:       l.IdleTimeout,
		MaxHeaderBytes:    l.HeaderBytes,
		// Broken handshakes of port scanners and the like.
		ErrorLog:  slog.NewLogLogger(in.log.Handler(), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	return s
}

func (in *Intake) bounded(l Listener) net.Listener {
	limited := netutil.LimitListener(l.Listener, in.limits.Connections)
	if l.TLS == nil {
		return limited
	}
	return tls.NewListener(limited, l.TLS.config())
}
