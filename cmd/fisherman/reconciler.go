package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"fisherman/server"
	"fisherman/server/config"
)

// reconciler makes the running program what its configuration says.
type reconciler struct {
	*program
	running  *config.Config // what has been applied; guarded by applying
	troubles troubles

	refused *refused // the last one, if it was for its certificates; guarded by applying
	partly  *partly  // the last one, if a part of it could not be done; guarded by applying

	taking   sync.Mutex // held from the reading of a configuration until it is applied: the newest comes last
	applying sync.Mutex // one configuration at a time

	mu   sync.Mutex // guards the field below, and is never held while waiting
	last server.Outcome
}

func newReconciler(p *program) *reconciler {
	r := &reconciler{program: p, running: p.Config}
	r.troubles = troubles{warn: p.outlet.Warn, unread: map[string]string{}}
	if p.from != nil {
		p.from.Trouble = r.troubles.reading
	}
	return r
}

// refused is a configuration that was refused for the certificates that it names.
type refused struct {
	*config.Config // as far as it could be read
	raw            []byte
	problems       config.Problems // with the files
}

// partly is a configuration of which something could not be done.
type partly struct {
	*config.Config
	raw  []byte
	done server.Outcome
}

// errNoSource says that the program was not started from a configuration that could be read again.
var errNoSource = errors.New("this server was started without a configuration that it could read again")

// Reconcile reads the configuration afresh and applies it. Without a source there is nothing to apply.
func (r *reconciler) Reconcile(ctx context.Context) (server.Outcome, error) {
	if r.from == nil {
		return server.Outcome{}, nil
	}
	r.taking.Lock()
	defer r.taking.Unlock()
	raw, err := r.from.Read(ctx)
	if err != nil {
		return server.Outcome{}, err
	}
	done, err := r.apply(raw)
	if err == nil {
		done.Plan.Behind = r.behind(done.Plan)
	}
	done.Troubles = r.troubles.list()
	return done, err
}

// follow applies the configuration whenever it changes where it lives, until ctx ends.
func (r *reconciler) follow(ctx context.Context) error {
	r.troubles.begin(r.copied)
	r.from.Run(ctx, r.take)
	return nil
}

// take applies the configuration as it is when it is its turn; what it was told of may be over by then.
func (r *reconciler) take(context.Context, []byte) {
	r.taking.Lock()
	defer r.taking.Unlock()
	_, _ = r.apply(r.from.Newest(), r.from.Location()) // which tells what came of it
}

const (
	filesPause  = time.Second     // between two looks at certificates for which a configuration was refused
	partlyPause = 5 * time.Second // between two tries to do what could not be done of one
)

// mend applies a configuration that was refused for its certificates once they are other ones, and what could not be done of
// one once it can be, until ctx ends.
func (r *reconciler) mend(ctx context.Context) error {
	look, try := time.NewTicker(filesPause), time.NewTicker(partlyPause)
	defer look.Stop()
	defer try.Stop()
	for {
		select {
		case <-look.C:
			r.tryRefused()
		case <-try.C:
			r.tryAgain()
		case <-ctx.Done():
			return nil
		}
	}
}

// tryRefused applies it if something else is wrong with its certificates by now, or nothing.
func (r *reconciler) tryRefused() {
	r.applying.Lock()
	defer r.applying.Unlock()
	if was := r.refused; was != nil && !slices.Equal(amiss(r.inForceLocked())(was.Config), was.problems) {
		_, _ = r.applyLocked(was.raw, r.from.Location()) // which tells what came of it
	}
}

// tryAgain does what could not be done of a configuration, or finds that it has been done.
func (r *reconciler) tryAgain() {
	r.applying.Lock()
	defer r.applying.Unlock()
	was := r.partly
	if was == nil {
		return
	}
	done := was.done
	if done.Failures = r.carryOut(config.Compare(r.inForceLocked(), was.Config), was.Config); slices.Equal(done.Failures, was.done.Failures) {
		return
	}
	r.settle(partly{was.Config, was.raw, done})
	if r.amend(done) {
		r.troubles.remain(done.Failures)
	}
	r.Log.Info().Strs("failures", done.Failures).Msg("more of the configuration could be applied; the failures are what is left")
}

// settle takes note of what came of a configuration. It is kept for a start without its source once all of it could be done,
// so that what cannot be keeps no start from being one.
func (r *reconciler) settle(is partly) {
	r.partly = nil
	if len(is.done.Failures) > 0 {
		r.partly = &is
		return
	}
	r.keep(is.raw)
}

// Plan says what a configuration would change, or with none the one of the source, read afresh. Who brings one learns nothing of
// the environment by it that the running one does not show.
func (r *reconciler) Plan(ctx context.Context, raw []byte) (plan config.Plan, err error) {
	running := r.current()
	mayShow := func(variable string) bool { return running.Shown[variable] }
	if raw == nil {
		mayShow = nil
		if raw, err = r.peekSource(ctx); err != nil {
			return plan, err
		}
	}
	next, err := r.peek(ctx, raw, amiss(running), mayShow)
	if err != nil {
		return plan, err
	}
	plan = config.Compare(running, next)
	plan.Behind = r.behind(plan)
	return plan, nil
}

// behind are the services that a plan leaves alone and that could not be brought to the configuration in force.
func (r *reconciler) behind(plan config.Plan) []config.Behind {
	all := []config.Behind{}
	failed, err := r.deployer.Behind()
	if err != nil {
		r.Log.Warn().Err(err).Msg("cannot look into the journal for what could not be deployed")
	}
	for _, d := range failed {
		if !slices.ContainsFunc(plan.Services, func(s config.ServicePlan) bool { return s.Name == d.Service }) {
			all = append(all, config.Behind{Service: d.Service, Deployment: d.ID, Reason: d.Reason})
		}
	}
	return all
}

// amiss finds what is wrong with certificates and is not so in the running configuration, too: what has befallen one host is no
// reason to leave all others as they are.
func amiss(running *config.Config) files {
	return func(next *config.Config) config.Problems { return asTheyAre(next).Without(asTheyAre(running)) }
}

// current is what is in force; it never changes, another one takes its place.
func (r *reconciler) current() *config.Config {
	r.applying.Lock()
	defer r.applying.Unlock()
	return r.inForceLocked()
}

// inForceLocked is what has been applied. The deployer may have done later what it could not do at once.
func (r *reconciler) inForceLocked() *config.Config {
	is := *r.running
	is.Services = r.deployer.Configured()
	return &is
}

// Last is what came of the last configuration.
func (r *reconciler) Last() server.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	last.Troubles = r.troubles.list()
	return last
}

func (r *reconciler) peekSource(ctx context.Context) ([]byte, error) {
	if r.from == nil {
		return nil, errNoSource
	}
	return r.from.Peek(ctx)
}

// apply makes the program what a configuration says, and says what that was. One that cannot be used changes nothing: the
// error is then config.Problems. What a part of it could not be done is in the outcome.
// Where a place in known has not been read afresh for it, nothing is learnt of that place.
func (r *reconciler) apply(raw []byte, known ...string) (server.Outcome, error) {
	r.applying.Lock()
	defer r.applying.Unlock()
	return r.applyLocked(raw, known...)
}

func (r *reconciler) applyLocked(raw []byte, known ...string) (server.Outcome, error) {
	r.refused = nil // what was left undone of the one in force stays so, should this one not be usable
	next, err := r.parse(raw, func(next *config.Config) config.Problems {
		problems := amiss(r.inForceLocked())(next)
		if len(problems) > 0 {
			r.refused = &refused{next, raw, problems}
		}
		return problems
	})
	if err != nil {
		r.refuse(err)
		return server.Outcome{}, err
	}
	plan := config.Compare(r.inForceLocked(), next)
	done := server.Outcome{At: time.Now().UTC(), Plan: plan, Failures: r.carryOut(plan, next)}
	r.settle(partly{next, raw, done})
	r.remember(done)
	r.troubles.applied(done.Failures, known...)
	r.tell(done)
	return done, nil
}

// carryOut applies a configuration. One part's failure does not stop the others, and leaves it as it was: the next time there is
// still something to do. What does not differ is applied, too, where that costs nothing: something else may have been on its way.
func (r *reconciler) carryOut(plan config.Plan, next *config.Config) (failures []string) {
	failures = []string{}
	failed := func(what string, err error) bool {
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", what, err))
		}
		return err != nil
	}
	r.tryNextStart(plan, next, failed)
	was := r.running
	next = next.Unchangeable(was)
	if plan.Touches("registries") && failed("registries", r.setRegistries(next.Registries)) {
		next.Registries = was.Registries
	}
	if plan.Touches("discord") && failed("discord", r.setDiscord(next)) {
		next.Discord = was.Discord
	}
	if trusted, err := secrets(next); failed("webhook secrets", err) {
		next.GitHub, next.RepositorySecrets = was.GitHub, was.RepositorySecrets
	} else {
		r.github.SetSecrets(trusted)
	}
	if failed("certificates", r.proxy.SetTLS(tlsOf(next))) { // first: no route is to be served before it is protected
		next.Proxy.ACME, next.Proxy.Certificates = was.Proxy.ACME, was.Proxy.Certificates
	}
	if plan.Touches("proxy.trusted_proxies") {
		r.proxy.SetTrustedProxies(next.Proxy.TrustedProxies)
	}
	if plan.Touches("proxy.access_log") {
		r.proxy.SetAccessLog(r.accessLogOf(next.Proxy.AccessLog))
	}
	failed("services", r.deployer.Reconcile(next.Services))
	r.running = next
	services := r.inForceLocked().Services
	r.forgetDeparted(services)
	r.setBakes(services)
	return failures
}

// setDiscord changes where things are told. What it is told first is what is wrong now.
func (r *reconciler) setDiscord(next *config.Config) error {
	if err := r.outlet.set(next.Discord); err != nil {
		return err
	}
	r.troubles.again()
	return nil
}

// refuse tells of a configuration that cannot be used, once.
func (r *reconciler) refuse(err error) {
	r.mu.Lock()
	known := r.last.Refused == err.Error()
	r.last = server.Outcome{At: time.Now().UTC(), Plan: config.Plan{}.Empty(), Failures: []string{}, Refused: err.Error()}
	r.mu.Unlock()
	if !known {
		r.Log.Error().Err(err).Msg("the new configuration cannot be used; the running one stays")
	}
	r.troubles.refused(err)
}

func (r *reconciler) remember(done server.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = done
}

// amend says more of the last configuration, unless another one was refused since.
func (r *reconciler) amend(done server.Outcome) (told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.Refused != "" {
		return false
	}
	r.last = done
	return true
}

func (r *reconciler) tell(done server.Outcome) {
	for _, s := range done.Plan.Services {
		r.Log.Info().Str("service", s.Name).Str("action", string(s.Action)).Strs("effects", s.Effects).Msg("the configuration has changed")
	}
	for _, c := range done.Plan.Settings {
		if c.Effect == config.Restart {
			r.Log.Warn().Str("key", c.Path).Msg("this setting has changed and counts from the next start of fisherman on; until then it stays as it was")
			continue
		}
		r.Log.Info().Str("key", c.Path).Msg("the configuration has changed")
	}
	for _, failure := range done.Failures {
		r.Log.Error().Str("failure", failure).Msg("a part of the new configuration could not be applied")
	}
}
