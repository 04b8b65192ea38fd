package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// shelf keeps what ACME makes on disk. Only one process may use it, so its locks are this process's own: none is left behind by
// one that was killed.
type shelf struct {
	certmagic.FileStorage

	mu   sync.Mutex
	held map[string]chan struct{} // closed when it is given back
}

func newShelf(directory string) *shelf {
	return &shelf{FileStorage: certmagic.FileStorage{Path: directory}, held: map[string]chan struct{}{}}
}

// Lock serves certmagic.Locker.
func (s *shelf) Lock(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		other, taken := s.held[name]
		if !taken {
			s.held[name] = make(chan struct{})
		}
		s.mu.Unlock()
		if !taken {
			return nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock serves certmagic.Locker.
func (s *shelf) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.held[name]; held != nil {
		close(held)
		delete(s.held, name)
	}
	return nil
}

// errDamaged says that what ACME has made is of no use, however often it is read.
var errDamaged = errors.New("damaged")

// find returns the certificate of a host that an issuer has made; nil when there is none. What is damaged is set aside, so that
// another one can be made; what can only not be read at this time stays.
func (s *shelf) find(issuer, host string) (*tls.Certificate, error) {
	ctx := context.Background()
	cert, err := s.Load(ctx, certmagic.StorageKeys.SiteCert(issuer, host))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var key []byte
	if err == nil {
		key, err = s.Load(ctx, certmagic.StorageKeys.SitePrivateKey(issuer, host))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		var pair *tls.Certificate
		if pair, err = newPair([][]byte{cert, key}); err == nil {
			return pair, nil
		}
	}
	name := s.Filename(certmagic.StorageKeys.CertsSitePrefix(issuer, host))
	return nil, errors.Join(errDamaged, err, os.Rename(name, name+".unreadable-"+time.Now().UTC().Format("20060102T150405.000000000Z")))
}

// others are the valid certificates of a host, by who has made them. What is of no use is passed over: it may be wanted one day.
func (s *shelf) others(host string) map[string]*tls.Certificate {
	found, ctx := map[string]*tls.Certificate{}, context.Background()
	issuers, _ := os.ReadDir(s.Filename("certificates")) // there may be none
	for _, issuer := range issuers {
		cert, err := s.Load(ctx, certmagic.StorageKeys.SiteCert(issuer.Name(), host))
		if err != nil {
			continue
		}
		key, err := s.Load(ctx, certmagic.StorageKeys.SitePrivateKey(issuer.Name(), host))
		if err != nil {
			continue
		}
		if pair, err := newPair([][]byte{cert, key}); err == nil && valid(pair, time.Now()) {
			found[issuer.Name()] = pair
		}
	}
	return found
}
