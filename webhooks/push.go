package webhooks

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-github/v57/github"
)

// commitForm is a commit's name in a SHA-1 or SHA-256 repository.
var commitForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// parsePush reads a push event.
//
// https://docs.github.com/webhooks/webhook-events-and-payloads#push
func parsePush(payload []byte) (push *Push, ignored string, err error) {
	parsed, err := github.ParseWebHook(KindPush, pushMembers().pick(payload))
	event, ok := parsed.(*github.PushEvent)
	if err != nil || !ok {
		return nil, "", malformed(err)
	}
	push = &Push{
		DefaultBranch: event.GetRepo().GetDefaultBranch(),
		Deleted:       event.GetDeleted(),
		Forced:        event.GetForced(),
		Message:       firstLine(event.GetHeadCommit().GetMessage()),
		Author:        author(event.GetHeadCommit().GetAuthor()),
	}
	if push.Before, err = commit("before", event.GetBefore()); err != nil {
		return nil, "", err
	}
	if push.After, err = commit("after", event.GetAfter()); err != nil {
		return nil, "", err
	}
	ref := event.GetRef()
	push.Branch, ok = strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		push.Branch = ""
	}
	return push, whyNotPush(push, ref), nil
}

func pushMembers() members {
	return members{
		"ref": nil, "before": nil, "after": nil, "deleted": nil, "forced": nil,
		"repository":  {"default_branch": nil},
		"head_commit": {"message": nil, "author": {"name": nil, "username": nil}},
	}
}

// whyNotPush says why a push leads to nothing, or nothing when it may lead to something.
func whyNotPush(push *Push, ref string) string {
	switch {
	case push.Branch == "":
		return fmt.Sprintf("push to %q, which is no branch", ref)
	case push.Deleted:
		return fmt.Sprintf("branch %s was deleted", push.Branch)
	case push.After == "":
		return fmt.Sprintf("push to branch %s names no commit", push.Branch)
	}
	return ""
}

// commit reads a commit's name, lower-cased. An absent one and Git's null object (all zeros) are empty.
func commit(member, name string) (string, error) {
	if strings.Trim(name, "0") == "" {
		return "", nil
	}
	name = strings.ToLower(name)
	if !commitForm.MatchString(name) {
		return "", fmt.Errorf("%w: JSON member %s is no commit", ErrMalformed, member)
	}
	return name, nil
}

// firstLine copies the first line, so that a long message is not kept in memory for its sake.
func firstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.Clone(strings.TrimSpace(line))
}

func author(a *github.CommitAuthor) string {
	if name := a.GetName(); name != "" {
		return name
	}
	return a.GetLogin()
}
