package deployer

// Trigger is a verified webhook, as far as deployments are concerned.
type Trigger struct {
	Kind       Kind // KindPush or KindPackage
	Delivery   string
	Repository string // "owner/name", lower-cased
	Sender     string

	// A push:
	Branch, DefaultBranch string
	Before, After         string
	Forced                bool
	Message, Author       string // of the head commit

	// A package:
	Image  string // without tag: "ghcr.io/owner/name"
	Tag    string // empty for an untagged manifest
	Digest string
	Commit string // 40 hex or empty
}

// Receipt is what a trigger led to.
type Receipt struct {
	Deployments []Deployment
	Ignored     string // why, when it led to nothing
	Duplicate   bool   // a delivery seen before
}
