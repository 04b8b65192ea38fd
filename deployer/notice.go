package deployer

import (
	"fmt"
	"strings"
	"time"
)

// Notice is news of a service that no deployment tells.
type Notice struct {
	Service string
	Down    bool   // none of its replicas is well
	Reason  string // for a person; empty when it is well
	At      time.Time
}

// suspect makes the next round of probes come at once, and more of them soon, until all are seen to be well.
func (l *lane) suspect(fate string) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	if fate != "" {
		l.fate, l.fateAt = fate, time.Now()
	}
	for _, v := range l.vitals {
		v.suspect = true
	}
	l.doubtLocked()
}

// lose takes the news that the engine was lost.
func (l *lane) lose() {
	l.suspect("")
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.lost = true
}

// toldLocked adds to what is seen of a trouble what the engine told of it just before.
func (l *lane) toldLocked(trouble string) string {
	if l.fate == "" || time.Since(l.fateAt) > 10*time.Second {
		return trouble
	}
	return strings.TrimSuffix(fmt.Sprintf("a container %s; %s", l.fate, trouble), "; ")
}

func (l *lane) doubtLocked() {
	close(l.doubt)
	l.doubt = make(chan struct{})
}

// reckonLocked tells when the service has gone down, when it is well again, and which of the two it is at first. Of one that has left
// there is nothing to tell, or who has come in its place does.
func (l *lane) reckonLocked() {
	if l.live == nil || l.halted || l.removed {
		return
	}
	mood := l.vitals.mood(l.mood)
	if mood == l.mood || mood == isDown && l.mood == untold && l.isReturningLocked() {
		return
	}
	n := Notice{Service: l.service().Name, Down: mood == isDown, At: time.Now().UTC()}
	log := l.about(l.live.ID)
	switch {
	case n.Down:
		n.Reason = l.toldLocked(l.vitals.trouble(l.replicas))
		log.Error().Str("reason", n.Reason).Msg("the service is down: none of its replicas is well")
	case l.mood == isDown:
		log.Info().Msg("the service is well again")
	}
	l.mood = mood
	for _, tell := range l.d.Notices {
		tell(n)
	}
}

// isReturningLocked reports whether the service has just come back into the configuration: it is about to be started again.
func (l *lane) isReturningLocked() bool {
	return l.returns && l.points == "" && time.Since(l.since) < l.service().Health.Deadline
}

// mood is what is to be told of a service of which so much was told. What a start of the program finds is trusted, and
// nothing to tell, before it answers: it may have been down all the while.
func (vs vitals) mood(before mood) mood {
	mood := isDown
	for _, v := range vs {
		switch {
		case v.well && (v.answered || before != untold):
			return isUp
		case v.well:
			mood = untold
		}
	}
	return mood
}

// mood is what was told of a service.
type mood int

const (
	untold mood = iota
	isUp
	isDown
)
