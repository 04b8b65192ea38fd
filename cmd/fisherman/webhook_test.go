package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// delivery is a webhook as a test wants it. GitHub's own shape comes from testdata/webhooks at the module's root.
type delivery map[string]string

// newDelivery is a right one; with says what is different: "event", "delivery", "repository", "branch", "before",
// "image", "tag", "digest", "secret", "signature" (the header whole; empty: none) and "body".
func (s *stage) newDelivery(event, version, digest string, with map[string]string) delivery {
	d := delivery{
		"event": event, "delivery": rand.Text(), "repository": "o/web", "branch": "master",
		"before": commit(before(version)), "after": commit(version),
		"image": s.registry + "/o/web", "tag": "latest", "digest": digest, "secret": s.secret,
	}
	maps.Copy(d, with)
	return d
}

func before(version string) string {
	n, _ := strconv.Atoi(version)
	return strconv.Itoa(n - 1)
}

// deliver sends it to a server.
func (d delivery) deliver(api string) (status int, answer string, err error) {
	body, err := d.payload()
	if err != nil {
		return 0, "", err
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+api+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	mac := hmac.New(sha256.New, []byte(d["secret"]))
	mac.Write(body)
	signature, own := d["signature"]
	if !own {
		signature = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Hub-Signature-256": signature,
		"X-GitHub-Event": d["event"], "X-GitHub-Delivery": d["delivery"],
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	return send(request)
}

func (d delivery) payload() ([]byte, error) {
	if body, own := d["body"]; own {
		return []byte(body), nil
	}
	changes := map[string]any{"repository.full_name": d["repository"], "repository.default_branch": "master"}
	switch d["event"] {
	case "package", "registry_package":
		maps.Copy(changes, d.packageChanges())
	default:
		maps.Copy(changes, map[string]any{"ref": "refs/heads/" + d["branch"], "before": d["before"], "after": d["after"]})
	}
	sample := map[string]string{"package": "package.json", "registry_package": "registry-package.json"}[d["event"]]
	if sample == "" {
		sample = "push.json"
	}
	return altered(sample, changes)
}

func (d delivery) packageChanges() map[string]any {
	_, path, _ := strings.Cut(d["image"], "/")
	owner, name, _ := strings.Cut(path, "/")
	object := strings.ReplaceAll(d["event"], "-", "_")
	version := object + ".package_version."
	return map[string]any{
		object + ".namespace": owner, object + ".name": name,
		version + "version": d["digest"], version + "name": d["digest"],
		version + "target_commitish": d["branch"], version + "target_oid": d["after"],
		version + "package_url":            d["image"] + ":" + d["tag"],
		version + "container_metadata.tag": map[string]string{"name": d["tag"], "digest": d["digest"]},
		version + "container_metadata.labels.all_labels.org/opencontainers/image/revision": d["after"],
	}
}

// altered is a sample with other values at some paths. A slash in a path is a dot in a member's name.
func altered(sample string, changes map[string]any) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "webhooks", sample))
	if err != nil {
		return nil, err
	}
	var payload map[string]any
	if err := json.Unmarshal(raw, &payload); err != nil {
		return nil, err
	}
	for path, value := range changes {
		members := strings.Split(path, ".")
		object, last := payload, len(members)-1
		for _, member := range members[:last] {
			inner, ok := object[member].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s has no object %s of %s", sample, member, path)
			}
			object = inner
		}
		object[strings.ReplaceAll(members[last], "/", ".")] = value
	}
	return json.Marshal(payload)
}
