// Package sourcetest runs a real S3 server for tests.
package sourcetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"fisherman/deployer/deployertest"
)

// versity is an S3 server on a directory (https://github.com/versity/versitygw).
const versity = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// Bucket is the one that a Gateway has from the start.
const Bucket = "configs"

// Gateway is an S3 server with one bucket. What clients ask goes through a proxy that counts and can break off.
type Gateway struct {
	URL      string
	User     string
	Password string

	t       testing.TB
	client  *s3.Client // asks the server itself
	mu      sync.Mutex // guards the fields below
	away    bool
	answers map[int]int // by status
	hold    *held       // the next answer; nil: it is not held
}

// held is an answer that was given and has yet to arrive.
type held struct{ given, release chan struct{} }

// Hold lets the next answer arrive only when it is released. given is closed once it is on its way.
func (g *Gateway) Hold() (given <-chan struct{}, release func()) {
	h := &held{make(chan struct{}), make(chan struct{})}
	release = sync.OnceFunc(func() { close(h.release) })
	g.t.Cleanup(release)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = h
	return h.given, release
}

// pass counts an answer, and waits with it while it is held.
func (g *Gateway) pass(status int) {
	g.mu.Lock()
	g.answers[status]++
	h := g.hold
	g.hold = nil
	g.mu.Unlock()
	if h != nil {
		close(h.given)
		<-h.release
	}
}

// Start runs a gateway until the test ends.
func Start(t testing.TB) *Gateway {
	t.Helper()
	g := &Gateway{t: t, User: "AKIA" + strings.ToUpper(rand.Text()[:12]), Password: rand.Text(), answers: map[int]int{}}
	server := g.serve(deployertest.Tool(t, versity))
	g.client = s3.New(s3.Options{
		BaseEndpoint: &server, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(g.User, g.Password, ""),
	})
	g.until("make a bucket", func(ctx context.Context) error {
		_, err := g.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(Bucket)})
		return err
	})
	g.intercept(server)
	return g
}

// serve starts the server and returns its address.
func (g *Gateway) serve(program string) string {
	g.t.Helper()
	address := deployertest.FreeAddress(g.t)
	root := filepath.Join(g.t.TempDir(), "s3")
	if err := os.Mkdir(root, 0o700); err != nil {
		g.t.Fatal(err)
	}
	var said bytes.Buffer
	server := exec.Command(program, "--access", g.User, "--secret", g.Password, "--port", address, "-q", "posix", root)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if g.t.Failed() {
			g.t.Logf("the S3 server said: %s", said.String())
		}
	})
	return "http://" + address
}

// intercept puts a proxy before the server that keeps the Host, which is part of what is signed.
func (g *Gateway) intercept(server string) {
	to, err := url.Parse(server)
	if err != nil {
		g.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		ModifyResponse: func(r *http.Response) error {
			g.pass(r.StatusCode)
			return nil
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	front := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.isAway() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = front.Serve(listener) }()
	g.t.Cleanup(func() { _ = front.Close(); <-ended })
	g.URL = "http://" + listener.Addr().String()
}

// Env is what points a program to the gateway, and away from whatever else the machine has.
func (g *Gateway) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": g.URL, "AWS_ACCESS_KEY_ID": g.User, "AWS_SECRET_ACCESS_KEY": g.Password,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	}
}

// Location is where an object lies.
func (g *Gateway) Location(key string) string { return "s3://" + Bucket + "/" + key }

// Put writes an object.
func (g *Gateway) Put(key, content string) {
	g.t.Helper()
	g.until("put "+key, func(ctx context.Context) error {
		_, err := g.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(Bucket), Key: &key, Body: strings.NewReader(content),
		})
		return err
	})
}

// Remove deletes an object.
func (g *Gateway) Remove(key string) {
	g.t.Helper()
	g.until("remove "+key, func(ctx context.Context) error {
		_, err := g.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(Bucket), Key: &key})
		return err
	})
}

// SetAway lets every connection break, or mends it.
func (g *Gateway) SetAway(away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = away
}

func (g *Gateway) isAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.away
}

// Answers counts the answers with a status.
func (g *Gateway) Answers(status int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answers[status]
}

// until tries again until the server is up.
func (g *Gateway) until(what string, try func(context.Context) error) {
	g.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			g.t.Fatal(fmt.Errorf("%s: %w", what, err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
