package deployer_test

import (
	"fmt"
	"slices"
	"time"

	"fisherman/deployer"
)

func onlyVerified(history []fact, services []deployer.Service) (wrongs []string) {
	was, before := map[string]bool{}, map[string]bool{}
	for _, f := range history {
		again := f.before == "" && before[f.release] // what comes back with its service is started again, and its requests wait
		if f.what == pointed {
			before[f.release] = true
		}
		switch {
		case f.what == verified:
			was[f.release] = true
		case f.what == pointed && !was[f.release]:
			wrongs = append(wrongs, fmt.Sprintf("%s gets the traffic of %s", f.release, f.service))
		case f.what == pointed && f.before != f.release && !again:
			for route, to := range f.routes {
				if len(to) == 0 {
					wrongs = append(wrongs, fmt.Sprintf("%s took over with nothing behind %s", f.release, route))
				}
			}
		}
	}
	return wrongs
}

// drainedFirst: nothing is stopped that has requests, what traffic points to least of all, and no request is cut before
// the drain time is over.
func drainedFirst(history []fact, services []deployer.Service) (wrongs []string) {
	drain, recreate := map[string]time.Duration{}, map[string]bool{}
	for _, s := range services {
		drain[s.Name], recreate[s.Name] = s.Drain, s.Strategy == deployer.Recreate
	}
	for _, f := range history {
		switch {
		case f.dead:
		case f.what == cut && f.took < drain[f.service]:
			wrongs = append(wrongs, fmt.Sprintf("requests on %s were cut after %s of %s at %.3fs", f.release, f.took, drain[f.service], f.at.Seconds()))
		case f.what != halted && f.what != retired:
		case f.inFlight:
			wrongs = append(wrongs, fmt.Sprintf("%s was stopped at %.3fs with requests in flight", f.release, f.at.Seconds()))
		case f.release == f.live && slices.Contains(f.up, f.release) && (f.what == retired || !recreate[f.service]):
			wrongs = append(wrongs, fmt.Sprintf("%s was stopped at %.3fs though it is live", f.release, f.at.Seconds()))
		}
	}
	return wrongs
}

func oneAtATime(history []fact, services []deployer.Service) (wrongs []string) {
	for _, f := range history {
		if s := serviceOf(services, f.service); f.what == started && s.Strategy == deployer.Recreate && len(f.up) > 1 {
			wrongs = append(wrongs, fmt.Sprintf("%v run at once at %.3fs", f.up, f.at.Seconds()))
		}
	}
	return wrongs
}

func serviceOf(services []deployer.Service, name string) deployer.Service {
	if i := slices.IndexFunc(services, func(s deployer.Service) bool { return s.Name == name }); i >= 0 {
		return services[i]
	}
	return deployer.Service{}
}
