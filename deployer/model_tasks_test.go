package deployer_test

import (
	"fmt"

	"fisherman/deployer"
)

// tasksOf says which services have a task.
func tasksOf(services []deployer.Service, of func(deployer.Service) deployer.Task) map[string]bool {
	has := map[string]bool{}
	for _, s := range services {
		has[s.Name] = len(of(s).Args) > 0
	}
	return has
}

// preparedFirst: a release that has never been live is started only after its `before` has ended well in this process;
// one that goes back to an earlier release, or makes it anew, has none.
func preparedFirst(history []fact, services []deployer.Service) (wrongs []string) {
	has := tasksOf(services, func(s deployer.Service) deployer.Task { return s.Before })
	now, wasLive, prepared := map[string]deployer.Deployment{}, map[string]bool{}, map[string]int{}
	for _, f := range history {
		switch f.what {
		case written:
			now[f.release] = f.deployment
		case pointed:
			wasLive[f.release] = true
		case ranOnce:
			if isAgain(now[f.release]) {
				wrongs = append(wrongs, fmt.Sprintf("%s makes %s again, and its `%s` was run", f.release, now[f.release].From, f.text))
			}
			if f.text == "before" && f.err == nil {
				prepared[f.release] = f.process
			}
		case started:
			due := has[f.service] && !wasLive[f.release] && !isAgain(now[f.release])
			if due && f.err == nil && !f.dead && prepared[f.release] != f.process {
				wrongs = append(wrongs, fmt.Sprintf("at %.3fs %s was started, and its `before` had not ended well", f.at.Seconds(), f.release))
			}
		}
	}
	return wrongs
}

// isAgain reports whether a deployment makes a release that has been there before, as it was.
func isAgain(d deployer.Deployment) bool { return d.Cause.Kind == deployer.KindRollback || d.Anew }

// concludedOnce: `after` is run of what traffic points to or has pointed to, and again only when a crash interrupted it.
func concludedOnce(history []fact, _ []deployer.Service) (wrongs []string) {
	wasLive, ended := map[string]bool{}, map[string]int{}
	for _, f := range history {
		switch {
		case f.what == pointed:
			wasLive[f.release] = true
		case f.what != ranOnce || f.text != "after" || f.err != nil:
		case !wasLive[f.release]:
			wrongs = append(wrongs, fmt.Sprintf("`after` of %s was run before its switch", f.release))
		case ended[f.release] == f.process:
			wrongs = append(wrongs, fmt.Sprintf("`after` of %s was run twice", f.release))
		default:
			ended[f.release] = f.process
		}
	}
	return wrongs
}
