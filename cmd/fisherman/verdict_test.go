package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Who is interrupted before there is an answer is told no more than that.
func TestAnInterruptedCommandSaysSo(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	}))
	defer s.Close()
	root := newRoot()
	root.SetArgs([]string{"status", "--server", s.URL, "--token", "t"})
	cmd, err := root.ExecuteContextC(ctx)
	if text, code := verdict(ctx, cmd, err); text != "interrupted" || code != exitFailed {
		t.Errorf("it says %q and exits %d", text, code)
	}
}
