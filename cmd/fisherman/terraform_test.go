package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fisherman/proxy"
	"fisherman/server/config"
)

// workspace is a copy of the Terraform module, in which Terraform may write.
type workspace struct {
	t   testing.TB
	dir string
	env []string
}

// newWorkspace skips the test where there is no Terraform. Providers that are on this machine are taken from there.
func newWorkspace(t testing.TB) *workspace {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skipf("needs terraform, 1.9 or newer: %v", err)
	}
	w := &workspace{t: t, dir: filepath.Join(t.TempDir(), "terraform")}
	if err := os.CopyFS(w.dir, os.DirFS("../../terraform")); err != nil {
		t.Fatal(err)
	}
	settings := ""
	for _, pattern := range []string{"/opt/*", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", os.Getenv("HOME") + "/.terraform.d/plugins"} {
		found, err := filepath.Glob(pattern + "/registry.terraform.io/hashicorp/aws")
		if err != nil {
			t.Fatal(err)
		}
		for _, aws := range found {
			settings = fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.Join(aws, "../../.."))
		}
	}
	file := filepath.Join(t.TempDir(), "terraform.rc")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+file, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	return w
}

// terraform runs Terraform below the copy.
func (w *workspace) terraform(below, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), "terraform", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = filepath.Join(w.dir, below), w.env, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTerraform validates the module and its example, and runs the module's own tests.
func TestTerraform(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	for _, below := range []string{".", "example"} {
		if out, err := w.terraform(below, "", "init", "-input=false", "-no-color"); err != nil {
			if strings.Contains(out, "Failed to query available provider packages") {
				t.Skipf("needs the AWS provider, which is neither on this machine nor to be fetched: %v\n%s", err, out)
			}
			t.Fatalf("terraform init in %s: %v\n%s", below, err, out)
		}
		if out, err := w.terraform(below, "", "validate", "-no-color"); err != nil {
			t.Errorf("terraform validate in %s: %v\n%s", below, err, out)
		}
	}
	if out, err := w.terraform(".", "", "fmt", "-recursive", "-check", "-diff"); err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
	out, err := w.terraform(".", "", "test", "-no-color")
	if err != nil || !strings.Contains(out, ", 0 failed") {
		t.Errorf("terraform test: %v\n%s", err, out)
	}
}

// userData is the script that a new instance runs.
func (w *workspace) userData(tag, releases, config string) string {
	w.t.Helper()
	expression := fmt.Sprintf(`base64encode(templatefile(%q, { tag = %q, releases = %q, config = %q, region = "eu-west-1" }))`,
		filepath.Join(w.dir, "user-data.sh.tftpl"), tag, releases, config)
	cmd := exec.CommandContext(w.t.Context(), "terraform", "console")
	cmd.Dir, cmd.Env, cmd.Stdin = w.t.TempDir(), w.env, strings.NewReader(expression+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("terraform console: %v\n%s", err, out)
	}
	script, err := base64.StdEncoding.DecodeString(strings.Trim(strings.TrimSpace(string(out)), `"`))
	if err != nil {
		w.t.Fatalf("terraform console said %s: %v", out, err)
	}
	return string(script)
}

// TestTheExampleOfTerraformIsAConfiguration that can be used, and that speaks HTTPS on every host.
func TestTheExampleOfTerraformIsAConfiguration(t *testing.T) {
	template, err := os.ReadFile("../../terraform/example/fisherman.yaml.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	rendered := strings.NewReplacer("$${", "${", "${zone}", "example.com", "${acme_email}", "me@example.com").Replace(string(template))
	c, err := config.Parse([]byte(rendered), func(name string) (string, bool) { return "hunter2", name == "GITHUB_WEBHOOK_SECRET" })
	if err != nil {
		t.Fatal(err)
	}
	if c.Proxy.ACME == nil || len(warnings(c)) > 0 {
		t.Errorf("%+v is warned of: %q", c.Proxy, warnings(c))
	}
	for _, r := range tlsOf(c).Routes {
		if r.Mode == proxy.TLSOff {
			t.Errorf("%s is in plain HTTP", r.Host)
		}
	}
}
