package deployer_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fisherman/deployer"
)

// cancelledSoon: what was cancelled has ended 5 s later, unless the disk or the engine or the process itself was gone.
func cancelledSoon(history []fact, _ []deployer.Service) (wrongs []string) {
	out, over := map[string]bool{}, map[string]bool{}
	for i, f := range history {
		switch f.what {
		case written:
			over[f.release] = f.deployment.State.Ended()
		case fault:
			out[f.text] = f.release == "" || out[f.text]
		case mended:
			delete(out, f.text)
		case asked:
			excused := slices.Contains(slices.Collect(maps.Values(out)), true)
			if !excused && !over[f.release] {
				wrongs = append(wrongs, endOf(f, history[i:])...)
			}
		}
	}
	return wrongs
}

// endOf says how a cancelled deployment did not end in time.
func endOf(f fact, later []fact) (wrongs []string) {
	for _, g := range later {
		if g.what == killed || g.what == stopped || g.what == fault && g.release == "" || g.what == written && g.release == f.release && g.deployment.State.Ended() {
			return nil
		}
		if g.at > f.at+5*time.Second {
			break
		}
	}
	return []string{fmt.Sprintf("%s was cancelled at %.3fs and had not ended 5 s later", f.release, f.at.Seconds())}
}

// toldOnce: a process tells of a service only what is not told yet, and the last news is that it is well.
func toldOnce(history []fact, _ []deployer.Service) (wrongs []string) {
	last := map[string]fact{}
	for _, f := range history {
		switch f.what {
		case begun:
			clear(last)
		case reshaped:
			maps.DeleteFunc(last, func(service string, _ fact) bool { return !strings.Contains(f.text, " "+service+" ") })
		case told:
			if before, known := last[f.service]; known && before.notice.Down == f.notice.Down {
				wrongs = append(wrongs, fmt.Sprintf("at %.3fs once more that %s is down: %v", f.at.Seconds(), f.service, f.notice.Down))
			}
			last[f.service] = f
		}
	}
	for service, f := range last {
		if f.notice.Down {
			wrongs = append(wrongs, "the last news of "+service+" is that it is down")
		}
	}
	return wrongs
}
