package journal

import "time"

// limits bound the journal.
type limits struct {
	deployments int // of a service, the newest; beside those that have not ended
	succeeded   int // of a service, the newest; also when they are older than those
	judged      int // of a service, the last judged; also those of deployments that are kept

	deliveries    uint64        // the newest; beyond, those go that GitHub cannot send again
	most          uint64        // deliveries, whatever their age
	deliveryAge   time.Duration // then a delivery goes, however few there are
	redeliverable time.Duration // GitHub sends a delivery again for 3 days, with the same id

	outages  uint64        // the newest messages that belong to no deployment
	departed time.Duration // how long a service that left the configuration is remembered

	every int // how many ends of deployments of a service lie between two times that it is trimmed
	step  int // how much is forgotten at most in a Commit, of each kind
	batch int // the same, in each transaction of Load
}

// standard are the limits of a journal in use. Most deliveries: 500,000 in 4 days are more than one a second, all signed
// and all of them leading to something; so many take 100 MB.
func standard() limits {
	const day = 24 * time.Hour
	return limits{
		deployments: 1000, succeeded: 100, judged: 10_000,
		deliveries: 100_000, most: 500_000, deliveryAge: 30 * day, redeliverable: 4 * day,
		outages: 1000, departed: 30 * day,
		every: 16, step: 64, batch: 1000,
	}
}

// forgets reports whether a delivery of this age may go when so many others came since.
func (l limits) forgets(age time.Duration, since uint64) bool {
	return age > l.deliveryAge || since >= l.most || since >= l.deliveries && age > l.redeliverable
}
