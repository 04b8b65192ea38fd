package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// demoCommit is the commit of a release.
func demoCommit(release int) string { return strings.Repeat(fmt.Sprint(release), 40) }

type object map[string]any

// demoPush is what GitHub sends for a push, as far as it matters.
func demoPush(release int) object {
	return object{
		"ref": "refs/heads/master", "before": demoCommit(release - 1), "after": demoCommit(release),
		"head_commit": object{"id": demoCommit(release), "message": fmt.Sprintf("Release %d", release), "author": object{"name": "Demo"}},
		"repository":  object{"full_name": demoOwner, "default_branch": "master"},
		"sender":      object{"login": "demo"},
	}
}

// demoPackage is what GitHub sends when an image was pushed to its registry, as far as it matters.
func (d *demo) demoPackage(release int, digest string) object {
	owner, name, _ := strings.Cut(demoOwner, "/")
	return object{
		"action":     "published",
		"repository": object{"full_name": demoOwner, "default_branch": "master"},
		"sender":     object{"login": "demo"},
		"package": object{
			"namespace": owner, "name": name, "package_type": "CONTAINER",
			"package_version": object{
				"version": digest, "target_commitish": "master", "target_oid": demoCommit(release),
				"package_url":        d.registry.address + "/" + demoOwner + ":latest",
				"container_metadata": object{"tag": object{"name": "latest", "digest": digest}},
			},
		},
	}
}

// webhook sends one signed delivery and returns the deployment it led to.
func (d *demo) webhook(ctx context.Context, event string, payload object) (deployment string, err error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	request, err := d.signed(ctx, "http://"+d.program.listener.Addr().String(), event, body)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("deliver %s: %w", event, err)
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", fmt.Errorf("deliver %s: %w", event, err)
	}
	var answer struct{ Deployments []struct{ ID string } }
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Deployments) == 0 {
		return "", fmt.Errorf("deliver %s: %s: %s", event, response.Status, raw)
	}
	return answer.Deployments[0].ID, nil
}

// signed is a delivery as GitHub makes it.
func (d *demo) signed(ctx context.Context, server, event string, body []byte) (*http.Request, error) {
	mac := hmac.New(sha256.New, []byte(d.secret))
	mac.Write(body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Event", event)
	request.Header.Set("X-GitHub-Delivery", rand.Text())
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return request, nil
}
