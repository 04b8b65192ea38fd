package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"

	"fisherman/server"
	"fisherman/server/config/source/sourcetest"
)

// stageKey is where a script's stage is kept.
type stageKey struct{}

// command is one of the words that scripts have beyond testscript's own. What it returns is for stdout.
type command func(s *stage, ts *testscript.TestScript, args []string) (stdout string, err error)

// commands are what scripts can say:
//
//	push-image NAME TAG VERSION [ENV=VALUE…]  put a version of testdata/app into the registry; sets DIGEST
//	registry away|locked|back                 break the registry, have it want a login, mend it
//	discord angry|calm                        break or mend Discord
//	s3 put KEY FILE, s3 remove KEY            write or delete an object; the first use starts an S3 server and sets S3
//	s3 away|back                              break the S3 server, mend it
//	wait-discord                              wait for Discord to have taken a message
//	serve [-unready] [ARGS…]                  start a server, wait until it is ready; default --config fisherman.yaml
//	terminate, crash                          end it by SIGTERM (and with exit code 0), by SIGKILL
//	webhook EVENT VERSION [KEY=VALUE…]        send a delivery (see newDelivery); sets DEPLOYMENT
//	wait-state STATE                          wait for DEPLOYMENT to be in a state, print it as JSON
//	wait-step STATE                           wait for DEPLOYMENT to have entered a state
//	wait-log REGEXP                           wait for the server to log something
//	wait-note REGEXP                          wait for DEPLOYMENT's own log to say something
//	wait-app HOST VERSION                     wait for an app to answer so
//	stream STATE                              print what happens to DEPLOYMENT after EVENT, until STATE; sets EVENT
//	deployments                               print the history, newest first: ID SERVICE STATE KIND REASON
//	api PATH                                  ask the server, with the token; print status and body
//	get HOST PATH                             ask an app through the proxy; print status and body
//	begin-upload HOST, end-upload             hold a request in flight; let it finish, print status and body
//	containers, images PREFIX                 print containers of the script's network, tags on the engine
//	wait-image TAG                            wait for a tag to be on the engine
//	watch LABEL, events                       record container events, print those of start and die
//	interrupt-demo CODE REGEXP                run a demo until it says something, then interrupt it; compare the exit code
//	left-by-demo                              print what the demo left behind that wrote stdout (after watch fisherman.digest)
//	departed                                  print the services that the journal knows to have left the configuration
//	mode FILE OCTAL                           compare a file's permissions
//	env-from NAME FILE                        set a variable to a file's content
//	ending WORD N                             set ENDING to its last letters
//	misspell WORD                             set MISSPELT to it with two letters the other way round
//	exits CODE PROGRAM [ARGS…]                run to the end and compare the exit code
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]command{
		"push-image": pushImage, "registry": registryIs, "discord": discordIs, "s3": objects, "wait-discord": waitDiscord,
		"serve": startServer, "terminate": stopServer, "crash": crashServer,
		"webhook": sendWebhook, "wait-state": waitState, "wait-step": waitStep, "wait-log": waitLog,
		"deployments": listDeployments, "api": askAPI, "get": getApp, "begin-upload": startUpload, "end-upload": endUpload,
		"containers": listContainers, "images": listImages, "watch": watchEvents, "events": listEvents,
		"wait-note": waitNote, "wait-app": waitApp, "wait-image": waitImage, "interrupt-demo": interruptDemo, "left-by-demo": listLeftovers,
		"departed": listDeparted, "mode": fileMode, "env-from": envFrom, "stream": streamEvents,
		"ending": endingOf, "misspell": misspell,
	}
	maps.Copy(all, terminalCommands())
	maps.Copy(all, reconcileCommands())
	wrapped := map[string]func(*testscript.TestScript, bool, []string){}
	for name, run := range all {
		wrapped[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			stdout, err := run(ts.Value(stageKey{}).(*stage), ts, args)
			fmt.Fprint(ts.Stdout(), stdout)
			if neg {
				ts.Fatalf("%s cannot be negated", name)
			}
			ts.Check(err)
		}
	}
	wrapped["exits"] = func(ts *testscript.TestScript, _ bool, args []string) {
		_, err := runToExit(nil, ts, args) // has the program's own stdout
		ts.Check(err)
	}
	return wrapped
}

func pushImage(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	digest := s.push(args[0], args[1], args[2], args[3:]...)
	ts.Setenv("DIGEST", digest)
	return digest, nil
}

func registryIs(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	s.away.Store(args[0] == "away")
	s.locked.Store(args[0] == "locked")
	return "", nil
}

func discordIs(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	s.discord.angry.Store(args[0] == "angry")
	return "", nil
}

func objects(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	if s.s3 == nil {
		s.s3 = sourcetest.Start(s.t)
		for name, value := range s.s3.Env() {
			ts.Setenv(name, value)
		}
		ts.Setenv("S3", strings.TrimSuffix(s.s3.Location(""), "/"))
		s.lookout.add("S3 password", s.s3.Password)
	}
	switch args[0] {
	case "put":
		s.s3.Put(args[1], ts.ReadFile(args[2]))
	case "remove":
		s.s3.Remove(args[1])
	default:
		s.s3.SetAway(args[0] == "away")
	}
	return "", nil
}

func waitDiscord(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	return "", until("Discord to take a message", func() (bool, error) { return s.discord.told.Load() > 0, nil })
}

func startServer(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	unready := len(args) > 0 && args[0] == "-unready"
	if unready {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"--config", "fisherman.yaml"}
	}
	if s.server != nil {
		s.server.kill()
	}
	p, err := launch(ts, args...)
	if err != nil {
		return "", err
	}
	s.server = p
	ts.Setenv("FISHERMAN_SERVER", "http://"+p.api)
	if unready {
		return "", nil
	}
	return "", p.ready()
}

func stopServer(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	return "", s.server.end(syscall.SIGTERM, exitDone)
}

func crashServer(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	if s.server.over() {
		return "", fmt.Errorf("the server had ended already: %v", s.server.cmd.ProcessState)
	}
	s.server.kill()
	return "", nil
}

func sendWebhook(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	with := map[string]string{}
	for _, one := range args[2:] {
		key, value, _ := strings.Cut(one, "=")
		with[key] = value
	}
	status, answer, err := s.newDelivery(args[0], args[1], ts.Getenv("DIGEST"), with).deliver(s.server.api)
	var accepted server.Delivery
	if json.Unmarshal([]byte(answer), &accepted) == nil && len(accepted.Deployments) > 0 {
		ts.Setenv("DEPLOYMENT", accepted.Deployments[0].ID)
	}
	return fmt.Sprintf("%d %s\n", status, answer), err
}

func waitState(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	return s.await(ts.Getenv("DEPLOYMENT"), "be "+args[0], func(d server.Deployment) bool { return string(d.State) == args[0] })
}

func waitStep(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	return s.await(ts.Getenv("DEPLOYMENT"), "enter "+args[0], func(d server.Deployment) bool {
		return slices.ContainsFunc(d.Steps, func(step server.Step) bool { return string(step.State) == args[0] })
	})
}

// await waits until a deployment is as wanted, and returns it as JSON. It fails at once when that cannot come any more.
func (s *stage) await(id, what string, yes func(server.Deployment) bool) (body string, err error) {
	var d server.Deployment
	waited := until(id+" to "+what, func() (bool, error) {
		_, body, err = get(s.server.api, "", "/api/v1/deployments/"+id)
		if err == nil {
			err = json.Unmarshal([]byte(body), &d)
		}
		return err == nil && (yes(d) || d.State.Ended()), cmpErr(err, body)
	})
	if waited == nil && !yes(d) {
		waited = fmt.Errorf("it ended %s: %s", d.State, d.Reason)
	}
	return body, waited
}

// cmpErr makes an answer that is not what is waited for the error to show.
func cmpErr(err error, body string) error {
	if err == nil {
		err = errors.New(body)
	}
	return err
}

func waitNote(s *stage, ts *testscript.TestScript, args []string) (string, error) {
	wanted, err := regexp.Compile(args[0])
	if err != nil {
		return "", err
	}
	return "", until("note "+args[0], func() (bool, error) {
		_, log, err := get(s.server.api, "", "/api/v1/deployments/"+ts.Getenv("DEPLOYMENT")+"/log")
		return wanted.MatchString(log), cmpErr(err, log)
	})
}

func waitApp(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	return "", until(args[0]+" to answer "+args[1], func() (bool, error) {
		_, body, err := get(s.server.proxy, args[0], "/")
		return body == args[1], cmpErr(err, body)
	})
}

func waitLog(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	wanted, err := regexp.Compile(args[0])
	if err != nil {
		return "", err
	}
	err = until("log "+args[0], func() (bool, error) { return wanted.MatchString(s.server.log()), nil })
	return s.server.log(), err
}

func listDeployments(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	_, body, err := get(s.server.api, "", "/api/v1/deployments")
	if err != nil {
		return "", err
	}
	var all []server.Deployment
	err = json.Unmarshal([]byte(body), &all)
	var lines strings.Builder
	for _, d := range all {
		fmt.Fprintf(&lines, "%s %s %s %s %s\n", d.ID, d.Service, d.State, d.Trigger.Kind, d.Reason)
	}
	return lines.String(), err
}

func askAPI(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	status, body, err := get(s.server.api, "", args[0])
	return fmt.Sprintf("%d %s\n", status, body), err
}

func getApp(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	status, body, err := get(s.server.proxy, args[0], args[1])
	return fmt.Sprintf("%d %s\n", status, body), err
}

func startUpload(s *stage, _ *testscript.TestScript, args []string) (_ string, err error) {
	s.upload, err = beginUpload(s.server, args[0])
	return "", err
}

func endUpload(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	return s.upload.finish() + "\n", nil
}

func listContainers(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	lines, err := s.containers("fisherman.network=" + s.network)
	return joined(lines), err
}

func listImages(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	tags, err := s.tags(args[0])
	return joined(tags), err
}

func waitImage(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	return "", until("image "+args[0], func() (bool, error) {
		tags, err := s.tags(args[0])
		return slices.Contains(tags, args[0]), err
	})
}

func watchEvents(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	s.events = s.watch(args[0])
	return "", nil
}

func listEvents(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	lines, err := s.events.lines("fisherman.deployment", "start", "die")
	return joined(lines), err
}

func interruptDemo(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	wanted, err := regexp.Compile(args[1])
	if err != nil {
		return "", err
	}
	demo, err := spawn(ts, "demo")
	if err != nil {
		return "", err
	}
	defer demo.kill()
	err = until("demo to say "+args[1], func() (bool, error) { return wanted.MatchString(demo.log()) || demo.over(), nil })
	if err == nil {
		err = demo.end(os.Interrupt, want)
	}
	return demo.log(), err
}

func listLeftovers(s *stage, ts *testscript.TestScript, _ []string) (string, error) {
	var digests []string
	for _, found := range regexp.MustCompile(`in the registry as (sha256:[0-9a-f]+)`).FindAllStringSubmatch(ts.ReadFile("stdout"), -1) {
		digests = append(digests, found[1])
	}
	left, err := s.leftovers(digests)
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(ts.Getenv("TMPDIR"), "*"))
	return joined(append(left, files...)), err
}

func listDeparted(s *stage, _ *testscript.TestScript, _ []string) (string, error) {
	db, err := bolt.Open(filepath.Join(s.state(), "journal.db"), 0, &bolt.Options{ReadOnly: true, Timeout: patience})
	if err != nil {
		return "", err
	}
	var names []string
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("departed")).ForEach(func(name, _ []byte) error {
			names = append(names, string(name))
			return nil
		})
	})
	return joined(names), errors.Join(err, db.Close())
}

func fileMode(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	if err != nil {
		return "", err
	}
	if mode := fmt.Sprintf("%o", info.Mode().Perm()); mode != args[1] {
		return "", fmt.Errorf("%s has mode %s, not %s", args[0], mode, args[1])
	}
	return "", nil
}

func envFrom(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
	return "", nil
}

func endingOf(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	n, err := strconv.Atoi(args[1])
	ts.Setenv("ENDING", args[0][max(0, len(args[0])-n):])
	return "", err
}

func misspell(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	word := []byte(args[0])
	for i := len(word) - 1; i > 0; i-- {
		if word[i] != word[i-1] {
			word[i], word[i-1] = word[i-1], word[i]
			break
		}
	}
	ts.Setenv("MISSPELT", string(word))
	return "", nil
}

func runToExit(_ *stage, ts *testscript.TestScript, args []string) (string, error) {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	got, ended := 0, (*exec.ExitError)(nil)
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		return "", err
	}
	if got != want {
		return "", fmt.Errorf("it exited with %d, not %d", got, want)
	}
	return "", nil
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
