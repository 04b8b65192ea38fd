package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// apiToken is the token that the tests' configuration sets. It is this run's, and must show nowhere.
var apiToken = rand.Text()

var errNotYet = errors.New("not yet")

// process is a running fisherman.
type process struct {
	cmd    *exec.Cmd
	output *output
	ended  chan struct{} // closed once it has ended
	api    string        // of a server: "127.0.0.1:41234"
	proxy  string
}

// world is where a process runs: a script, or a test without one.
type world interface {
	MkAbs(file string) string
	Getenv(name string) string
}

// output collects what a process writes.
type output struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// spawn starts fisherman.
func spawn(in world, args ...string) (*process, error) {
	cmd := exec.Command("fisherman", args...)
	if program, err := lookPath(in.Getenv("PATH")); err == nil {
		cmd.Path, cmd.Err = program, nil
	}
	cmd.Dir, cmd.Env = in.MkAbs("."), environ(in)
	return begin(cmd)
}

// begin starts a command that is, or becomes, fisherman.
func begin(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, output: &output{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // its exit code is in ProcessState
		seen(fmt.Sprintf("what `%s` printed", p.cmd), p.log())
	}()
	return p, nil
}

// lookPath finds the fisherman of a script's PATH, which may not be that of the tests.
func lookPath(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, "fisherman")); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

// environ is a process's environment.
func environ(in world) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "WORK", "REGISTRY", "NETWORK", "SECRET", "STATE", "FISHERMAN_TOKEN",
		"REGISTRY_PASSWORD", "APP_PASSWORD", "DISCORD", "DISCORD_TOKEN",
		"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", failpoint,
		"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	} {
		if value := in.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// launch starts a server and returns once its listeners are open.
func launch(in world, args ...string) (*process, error) {
	p, err := spawn(in, append([]string{"serve"}, args...)...)
	if err != nil {
		return nil, err
	}
	return p, p.serving()
}

// serving waits until its listeners are open; else it kills it.
func (p *process) serving() error {
	err := until("serve", func() (bool, error) { return p.addresses() || p.over(), nil })
	if err == nil && p.api == "" {
		err = fmt.Errorf("serve ended with %v", p.cmd.ProcessState)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("%w:\n%s", err, p.log())
	}
	return nil
}

// addresses finds the listeners in the line that the server begins with.
func (p *process) addresses() bool {
	for line := range strings.Lines(p.log()) {
		var begin struct{ Webhooks, Proxy, Message string }
		if json.Unmarshal([]byte(line), &begin) == nil && begin.Message == "serving" {
			p.api, p.proxy = begin.Webhooks, begin.Proxy
		}
	}
	return p.api != ""
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) log() string { return p.output.String() }

// ready waits until deployments can be carried out.
func (p *process) ready() error {
	return until("readyz", func() (bool, error) {
		status, body, err := get(p.api, "", "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err == nil, err
	})
}

// end tells the process to end, and wants this exit code.
func (p *process) end(how os.Signal, want int) error {
	if err := p.cmd.Process.Signal(how); err != nil {
		return err
	}
	if err := until(fmt.Sprintf("end after %v", how), func() (bool, error) { return p.over(), nil }); err != nil {
		return err
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("it exited with %d after %v, not %d", got, how, want)
	}
	return nil
}

// kill ends the server as a crash would. It may have ended already.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// get asks for a path. With a host it is that one's, else the address's own; the API's token goes along.
func get(address, host, path string) (status int, body string, err error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Host = host
	if host == "" {
		request.Header.Set("Authorization", "Bearer "+apiToken)
	}
	return send(request)
}

// send returns an answer whole.
func send(request *http.Request) (status int, body string, err error) {
	request.Close = true // a server that was restarted has other connections
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	raw, err := io.ReadAll(response.Body)
	seen("the answer to "+request.Method+" "+request.URL.Path, string(raw))
	return response.StatusCode, strings.TrimSpace(string(raw)), errors.Join(err, response.Body.Close())
}

// upload is a request that is in flight for as long as the test wants.
type upload struct {
	*io.PipeWriter
	answer chan string // gets "200 4", or the error
	cancel context.CancelFunc
}

// beginUpload returns once a backend has begun to read.
func beginUpload(p *process, host string) (*upload, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	body, w := io.Pipe()
	u := &upload{PipeWriter: w, answer: make(chan string, 1), cancel: cancel}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.proxy+"/echo", body)
	if err != nil {
		return nil, err
	}
	request.Host = host
	go func() {
		status, body, err := send(request)
		if err != nil {
			body = err.Error()
		}
		u.answer <- fmt.Sprintf("%d %s", status, body)
	}()
	if _, err := io.WriteString(u, "half"); err != nil {
		return nil, err
	}
	return u, until("upload in flight", func() (bool, error) {
		_, routes, err := get(p.api, "", "/api/v1/routes")
		return strings.Contains(routes, `"in_flight":1`), err
	})
}

// finish ends the body and returns the answer.
func (u *upload) finish() string {
	defer u.cancel()
	_ = u.Close()
	return <-u.answer
}

func (u *upload) drop() {
	u.cancel()
	_ = u.Close()
}
