package intake

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// serve runs Serve on one port until the test's end, or until stop.
func serve(t *testing.T, s *stand, drain time.Duration, l Listener) (addr string, stop context.CancelFunc,
	done chan error) {
	t.Helper()
	var err error
	if l.Listener == nil {
		if l.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done <- s.Serve(ctx, drain, l)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return l.Addr().String(), cancel, done
}

// listen is serve for tests that end at once, without waiting for clients.
func listen(t *testing.T, s *stand) string {
	t.Helper()
	addr, _, _ := serve(t, s, 0, Listener{Kind: kinds.LAVA})
	return addr
}

func TestServeOnThreePorts(t *testing.T) {
	s := newStand(Config{})
	var ls []Listener
	for _, kind := range []string{kinds.Build, kinds.Boot, kinds.LAVA} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, Listener{Listener: l, Kind: kind})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, patience, ls...) }()
	client := &http.Client{Transport: &http.Transport{}}
	for _, l := range ls {
		answer, err := client.Post("http://"+l.Addr().String()+"/x", "", strings.NewReader(callback))
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, answer); answer.StatusCode != 200 || text != "ok" {
			t.Errorf("%s: %d %s", l.Kind, answer.StatusCode, text)
		}
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for i, want := range []string{kinds.Build, kinds.Boot, kinds.LAVA} {
		if got := s.box.accepted[i].Kind; got != want {
			t.Errorf("post %d is a %s, want %s", i, got, want)
		}
		if _, err := net.Dial("tcp", ls[i].Addr().String()); err == nil {
			t.Errorf("the port for %s is still open", want)
		}
	}
}

func TestServeEndsWhenAListenerFails(t *testing.T) {
	s := newStand(Config{})
	if err := s.Serve(t.Context(), 0); err == nil {
		t.Error("serving on nothing is no error")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err = s.Serve(t.Context(), 0, Listener{Listener: l, Kind: kinds.LAVA})
	if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), addr) ||
		!strings.Contains(err.Error(), kinds.LAVA) {
		t.Errorf("error %v does not say which listener", err)
	}
}

// A shutdown lets what is under way finish, and says so on /readyz.
func TestServeDrains(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := newStand(Config{})
	s.box.answer = func(*Post) error {
		close(entered)
		<-leave
		return nil
	}
	addr, stop, done := serve(t, s, patience, Listener{Kind: kinds.LAVA})
	type result struct {
		code int
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		answer, err := http.Post("http://"+addr, "", strings.NewReader(callback))
		if err != nil {
			answered <- result{err: err}
			return
		}
		defer closing(answer.Body)
		answered <- result{code: answer.StatusCode}
	}()
	<-entered
	stop()
	for !s.draining.Load() { // ends as soon as Serve has seen it
		select {
		case err := <-done:
			t.Fatalf("Serve returned %v with a post under way", err)
		case <-time.After(time.Millisecond):
		}
	}
	if reasons := s.notReady(); len(reasons) != 1 || reasons[0] != "shutting down" {
		t.Errorf("ready while shutting down: %q", reasons)
	}
	close(leave)
	if got := <-answered; got.err != nil || got.code != 200 {
		t.Errorf("the post under way got %+v", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What does not finish within the drain is cut: Accept's context ends, and Serve
// does not return before Accept did.
func TestServeCutsWhatDoesNotFinish(t *testing.T) {
	entered := make(chan struct{})
	returned := false
	s := newStand(Config{Accept: func(ctx context.Context, _ *Post) error {
		close(entered)
		<-ctx.Done()
		returned = true
		return ctx.Err()
	}})
	addr, stop, done := serve(t, s, time.Millisecond, Listener{Kind: kinds.LAVA})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(conn)
	send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(callback), callback)
	<-entered
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !returned { // also a race for the detector, if Serve returned too early
		t.Error("Serve returned before Accept")
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(conn); strings.Contains(string(got), "200") {
		t.Errorf("a post that was cut is answered %s", got)
	}
	if !strings.Contains(s.log.String(), "were not accepted") {
		t.Errorf("the log does not say it: %s", s.log)
	}
}

// A client that stops in the middle of its body does not hold the shutdown up.
func TestServeCutsUnfinishedBodies(t *testing.T) {
	s := newStand(Config{})
	addr, stop, done := serve(t, s, time.Millisecond, Listener{Kind: kinds.LAVA})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(conn)
	send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{ \"id\"")
	// until it is being read
	for deadline := time.Now().Add(patience); s.bodies.used.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the body is not being read")
		}
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("Serve waits for a body that does not come")
		closing(conn) // so that the test ends
	}
	if a, r := s.box.count(); a+r != 0 {
		t.Errorf("%d accepted, %d refused", a, r)
	}
}

// certificate writes a new self-signed certificate and its key.
func certificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "kcing"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLSAndItsReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := LoadCertificates(certFile, keyFile); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Errorf("no files: %v", err)
	}
	certificate(t, certFile, keyFile, 1)
	certs, err := LoadCertificates(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(Config{})
	addr, _, _ := serve(t, s, 0, Listener{Kind: kinds.LAVA, TLS: certs})
	serial := func() int64 {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Post("https://"+addr, "", strings.NewReader(callback))
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, answer); answer.StatusCode != 200 || answer.ProtoMajor != 1 {
			t.Fatalf("%s %s %s", answer.Proto, answer.Status, text)
		}
		return answer.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	certificate(t, certFile, keyFile, 2)
	if err := certs.Reload(); err != nil {
		t.Fatal(err)
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after the reload, want 2", n)
	}
	if err := os.WriteFile(keyFile, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := certs.Reload(); err == nil {
		t.Error("a bad key is no error")
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after a failed reload, want 2 as before", n)
	}
	// Plain HTTP on the port gets net/http's 400 and does no harm.
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(conn)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	send(conn, "%s", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		if read(t, answer); answer.StatusCode != 400 {
			t.Errorf("plain HTTP: %s", answer.Status)
		}
	}
	serial()
}
