package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"fisherman/deployer"
	"fisherman/server/config"
)

// lacking parses a configuration that was good before; none of its files can be had but those.
func lacking(t *testing.T, text string, files map[string]string) *config.Config {
	t.Helper()
	c, err := config.Surroundings{Getenv: os.LookupEnv, MayLack: true, ReadFile: func(name, _ string) ([]byte, error) {
		if content, there := files[name]; there {
			return []byte(content), nil
		}
		return nil, errors.New(name + " cannot be reached")
	}}.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOfWhatWasGoodAnyFileMayBeLacking: a start goes on, and each secret says why it is not there. What is wrong with the text
// itself is a problem all the same.
func TestOfWhatWasGoodAnyFileMayBeLacking(t *testing.T) {
	for name, text := range map[string]string{
		"{ file: }":                 everywhere("{ file: s3://b/secret }"),
		"{ age: } and its identity": "secrets: { identity: s3://b/identity }\n" + everywhere("{ age: YWdlLWVuY3J5cHRpb24ub3JnL3YxCg== }"),
	} {
		c := lacking(t, text, nil)
		web := c.Services[0]
		for key, secret := range secretsOf(c) {
			if got, err := secret.Reveal(); got != "" || !errors.Is(err, deployer.ErrUnavailable) || !strings.Contains(err.Error(), "s3://b/") {
				t.Errorf("%s, %s: %q, %v", name, key, got, err)
			}
		}
		if len(c.Lacks) == 0 || !strings.Contains(web.Lacks, "s3://b/") || web.Spec() != "" {
			t.Errorf("%s: %q is lacking, of web %q, which has the spec %q", name, c.Lacks, web.Lacks, web.Spec())
		}
	}
	for name, body := range map[string]string{
		"env_file":       "env_file: s3://b/env",
		"content of one": "env_file: broken",
		"files":          "files: { /etc/x: { source: s3://b/x } }",
		"file in S3":     "environment: { X: { file: s3://b/x } }",
	} {
		c := lacking(t, service(body), map[string]string{"broken": "not a line of it"})
		if len(c.Lacks) != 1 || c.Services[0].Lacks != c.Lacks[0] || !strings.HasPrefix(c.Lacks[0], "services.web.") {
			t.Errorf("%s: %q is lacking, of web %q", name, c.Lacks, c.Services[0].Lacks)
		}
	}
	_, err := config.Surroundings{Getenv: os.LookupEnv, MayLack: true}.Parse([]byte(service("env_file: /nowhere, replicas: many")))
	if err == nil || strings.Contains(err.Error(), "nowhere") || !strings.Contains(err.Error(), "many") {
		t.Errorf("what is wrong with the text: %v", err)
	}
}

// TestWhatNoContainerNeedsKeepsNoneFromBeingMade: a webhook's secret is fisherman's own, also where a service has it. What is
// damaged is lacking, too.
func TestWhatNoContainerNeedsKeepsNoneFromBeingMade(t *testing.T) {
	b := newBox(t)
	for name, text := range map[string]string{
		"that cannot be read": service("secret: { file: s3://b/hook }"),
		"that is empty":       service("secret: { file: empty }"),
		"that is damaged":     "secrets: { identity: identity }\n" + everywhere("{ age: "+b.sealDamaged(t, "hunter2")+" }"),
	} {
		c := lacking(t, text, map[string]string{"empty": "", "identity": string(b.identity)})
		got, err := c.RepositorySecrets["o/web"][0].Reveal()
		if got != "" || !errors.Is(err, deployer.ErrUnavailable) || !slices.ContainsFunc(c.Lacks, func(why string) bool { return strings.HasPrefix(why, "services.web.secret") }) {
			t.Errorf("a secret %s: %q, %v; %q is lacking", name, got, err, c.Lacks)
		}
		if web := c.Services[0]; web.Lacks != "" || web.Spec() == "" {
			t.Errorf("a secret %s keeps containers from being made: %s", name, web.Lacks)
		}
	}
}

// TestAPlanSaysThatWhatWasLackingIsThere, and does not say that it makes new containers, which it need not.
func TestAPlanSaysThatWhatWasLackingIsThere(t *testing.T) {
	text := service("env_file: s3://b/env, args: [a]")
	whole := lacking(t, text, map[string]string{"s3://b/env": "A=hunter2"})
	plan, err := json.Marshal(config.Compare(lacking(t, text, nil), whole))
	if got := string(plan); err != nil || strings.Contains(got, "hunter2") ||
		!strings.Contains(got, `"effects":["`+string(config.Compares)+`"]`) || !strings.Contains(got, "services.web.environment.A") ||
		strings.Contains(got, "lacks") {
		t.Errorf("the plan is %s, %v", got, err)
	}
	plain := service("env_file: s3://b/env")
	back := config.Compare(lacking(t, plain, nil), lacking(t, plain, map[string]string{"s3://b/env": ""}))
	if back.IsEmpty() || !slices.Equal(back.Services[0].Effects, []string{string(config.Compares)}) {
		t.Errorf("the plan of a file that turns out empty is %+v", back)
	}
	if plan := config.Compare(whole, whole); !plan.IsEmpty() {
		t.Errorf("the plan of no change is %+v", plan)
	}
}
