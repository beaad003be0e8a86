package elastic

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ConnectionProblem says in a few words why a request got no answer. A positive
// within is how long it waited for one; authorities is the setting that names the
// certificate authorities, such as ES_CA_CERT.
func ConnectionProblem(err error, within time.Duration, authorities string) string {
	var (
		errno     syscall.Errno
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + dns.Name
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &authority):
		return "its certificate is signed by an unknown authority, see " + authorities
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if within > 0 {
			return fmt.Sprintf("no answer within %v", within.Round(time.Second/10))
		}
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection without an answer; does it want https?"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"),
		strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return "it speaks http, not https"
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "what answers does not speak HTTP; does it want https?"
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
