package proxy_test

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"fisherman/proxy"
)

func TestTheAccessLogIsWrittenInBatchesAndWhole(t *testing.T) {
	const requests = 50
	access, other := &lines{}, &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(other), AccessLog: proxy.AccessLog{Writer: access}})
	stop := run(t, p)
	get(t, p, "http://a.pl/first")
	access.find(t, `"/first"`) // without waiting for more
	for range requests {
		get(t, p, "http://a.pl/")
	}
	stop()
	if n := strings.Count(access.buf.String(), "\n"); n != requests+1 {
		t.Errorf("%d lines, want %d", n, requests+1)
	}
	if other.buf.Len() != 0 {
		t.Errorf("the other log has %q", other.buf.String())
	}
}

func TestTheAccessLogObeysTheLevel(t *testing.T) {
	access := &lines{}
	p := prepare(t, proxy.Options{Log: zerolog.New(access).Level(zerolog.WarnLevel), AccessLog: proxy.AccessLog{Writer: access}})
	stop := run(t, p)
	get(t, p, "http://a.pl/")
	stop()
	if access.buf.Len() != 0 {
		t.Errorf("logged %q", access.buf.String())
	}
}
