package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authorize lets through who brings the token.
func (s *Server) authorize(next http.Handler) http.Handler {
	return s.handle(func(w http.ResponseWriter, r *http.Request) error {
		if !s.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fisherman"`)
			return refuse(http.StatusUnauthorized,
				"the token is missing or wrong; send the header Authorization: Bearer TOKEN, with server.token of the configuration "+
					"or, where that is not set, the contents of the file token in the state directory")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// authorized compares hashes, so that the time taken tells neither the token nor its length (RFC 6750, 2.1).
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	ours, err := s.Token.Reveal()
	want, got := sha256.Sum256([]byte(ours)), sha256.Sum256([]byte(strings.TrimSpace(token)))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && err == nil && ours != "" && strings.EqualFold(scheme, "Bearer")
}
