package webhooks

import (
	"net/http"
	"strings"
	"testing"
)

const (
	single = "sha256:947f187506f7629c81c81879a2cb2256455038e4ac770091d897fa0a8b945e3b"
	other  = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
)

func TestPackages(t *testing.T) {
	const image = "ghcr.io/harbour-works/tide-table"
	latest := Package{Image: image, Tag: "latest", Digest: single, Commit: newer, Branch: "main"}
	untagged := "manifest of " + image + " has no tag"
	tests := []struct {
		payload, event string
		want           *Package
		ignored        string
	}{
		{"package.json", "package", &latest, ""},
		{"registry-package.json", "registry_package", &latest, ""},
		// One push of an image for two platforms: three events, of which the index's counts.
		{"package-amd64.json", "package", nil, untagged},
		{"package-arm64.json", "package", nil, untagged},
		{"package-index.json", "package", nil, ""},
		{"package-npm.json", "package", nil, `package @harbour-works/tide-format is not a container image but of type "NPM"`},
	}
	for _, tt := range tests {
		t.Run(tt.payload, func(t *testing.T) {
			got := parsed(t, tt.event, payload(t, tt.payload))
			if got.Kind != KindPackage || got.Ignored != tt.ignored {
				t.Errorf("kind %q, ignored %q; want ignored %q", got.Kind, got.Ignored, tt.ignored)
			}
			if tt.want != nil && (got.Package == nil || *got.Package != *tt.want) {
				t.Errorf("got %+v, want %+v", got.Package, tt.want)
			}
		})
	}
	index := parsed(t, "package", payload(t, "package-index.json")).Package
	if index.Tag != newer[:7] || index.Commit != newer || !digestForm.MatchString(index.Digest) {
		t.Errorf("index: %+v", index)
	}
}

// One member of package.json has another value; the paths start at package.
func TestPackageMembers(t *testing.T) {
	tests := []struct {
		path    string
		value   any
		want    int
		ignored string
	}{
		{"package_type", "docker", 200, ""},
		{"package_type", nil, 200, ""}, // the ecosystem says CONTAINER
		{"package_type", "npm", 200, ""},
		{"package_type", 7, 400, ""},
		{"namespace", 7, 400, ""},
		{"package_version", nil, 200, "manifest of ghcr.io/harbour-works/tide-table has no tag"},
		{"package_version", "x", 400, ""},
		{"package_version.container_metadata", nil, 200, "manifest of ghcr.io/harbour-works/tide-table has no tag"},
		{"package_version.container_metadata", []int{}, 400, ""},
		{"package_version.container_metadata.tag", nil, 200, "manifest of ghcr.io/harbour-works/tide-table has no tag"},
		{"package_version.container_metadata.tag", "latest", 400, ""},
		{"package_version.container_metadata.tag", []string{"latest"}, 400, ""},
		{"package_version.container_metadata.tag.name", nil, 200, "manifest of ghcr.io/harbour-works/tide-table has no tag"},
		{"package_version.container_metadata.tag.name", "", 200, "manifest of ghcr.io/harbour-works/tide-table has no tag"},
		{"package_version.container_metadata.manifest", nil, 200, ""},
		{"package_version.container_metadata.manifest.config", "none", 200, ""},
		{"package_version.container_metadata.manifest.size", "big", 200, ""},
		{"package_version.container_metadata.labels", nil, 200, ""},
		{"package_version.container_metadata.labels.all_labels", nil, 200, ""},
		{"package_version.container_metadata.labels.all_labels", map[string]any{"count": 7}, 200, ""},
		{"package_version.body", nil, 200, ""},
		{"package_version.metadata", "none", 200, ""},
		{"package_version.created_at", 7, 200, ""},
		{"registry", []int{}, 200, ""},
	}
	for _, tt := range tests {
		path := append([]string{"package"}, strings.Split(tt.path, ".")...)
		r := deliver(secret, "package", altered(t, "package.json", tt.value, path...))
		event, err := configured().Parse(r)
		if Status(err) != tt.want || event.Ignored != tt.ignored {
			t.Errorf("%s = %v: status %d (%v), ignored %q; want %d, %q",
				tt.path, tt.value, Status(err), err, event.Ignored, tt.want, tt.ignored)
		}
	}
}

func TestPackageActions(t *testing.T) {
	for action, ignored := range map[any]string{
		"published": "",
		"updated":   "",
		"deleted":   `package action "deleted" deploys nothing; only published and updated do`,
		nil:         `package action "" deploys nothing; only published and updated do`,
	} {
		if got := parsed(t, "package", altered(t, "package.json", action, "action")); got.Ignored != ignored {
			t.Errorf("%v: ignored %q, want %q", action, got.Ignored, ignored)
		}
	}
	if got := parsed(t, "package", altered(t, "package.json", nil, "package")); got.Ignored != "the event names no package" {
		t.Errorf("without a package: ignored %q", got.Ignored)
	}
	refused(t, configured(), deliver(secret, "package", altered(t, "package.json", []int{}, "package")), http.StatusBadRequest)
}

// What must be known of an image before anything can be deployed.
func TestIncompletePackages(t *testing.T) {
	for inner, ignored := range map[string]string{
		`{"namespace":"o","name":"n","package_version":{"version":"1","container_metadata":{"tag":{"name":"latest"}}}}`: "package event for ghcr.io/o/n:latest names no sha256 digest",
		`{"namespace":"o","package_version":{"container_metadata":{"tag":{"name":"latest"}}}}`:                          "the package event names no image",
		`{}`: "the package event names no image",
	} {
		body := `{"action":"published","repository":{"full_name":"` + harbour + `"},"package":` + inner + `}`
		if got := parsed(t, "package", []byte(body)); got.Ignored != ignored {
			t.Errorf("%s: ignored %q, want %q", inner, got.Ignored, ignored)
		}
	}
}

func TestContainerTypes(t *testing.T) {
	for _, tt := range []struct {
		kind, ecosystem string
		want            bool
	}{
		{"CONTAINER", "CONTAINER", true},
		{"container", "", true},
		{"docker", "", true},
		{"npm", "docker", true},
		{"", "Docker", true},
		{"", "", true},
		{"npm", "", false},
		{"NPM", "NPM", false},
		{"", "maven", false},
	} {
		if got := isContainer(tt.kind, tt.ecosystem); got != tt.want {
			t.Errorf("type %q, ecosystem %q: %v", tt.kind, tt.ecosystem, got)
		}
	}
}

func TestDigestIsTheFirstThatIsOne(t *testing.T) {
	for _, tt := range []struct{ version, name, tag, manifest, want string }{
		{single, other, other, other, single},
		{"1.0", single, other, other, single},
		{"", "", single, other, single},
		{"", "", "sha256:" + newer, single, single},
		{strings.ToUpper(single), single[1:], single + "0", single[:70], ""},
		{"", "", "", "", ""},
	} {
		v := packageVersion{Version: tt.version, Name: tt.name}
		v.Container.Tag.Digest, v.Container.Manifest.Digest = tt.tag, tt.manifest
		if got := v.digest(); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestCommitOfAPackage(t *testing.T) {
	for _, tt := range []struct{ revision, oid, want string }{
		{newer, older, newer},
		{"", older, older},
		{strings.ToUpper(newer), older, newer},
		{"v1.2", older, older},
		{newer[:7], older, older},
		{"", single[7:], ""},
		{"", "", ""},
	} {
		v := packageVersion{TargetOID: tt.oid}
		v.Container.Labels.All.Revision = tt.revision
		if got := v.commit(); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestImages(t *testing.T) {
	for _, tt := range []struct{ namespace, name, url, want string }{
		{"Harbour-Works", "Tide-Table", "", "ghcr.io/harbour-works/tide-table"},
		{"Harbour-Works", "Tide-Table", "ghcr.io/harbour-works/tide-table:", "ghcr.io/harbour-works/tide-table"},
		{"Harbour-Works", "charts/tides", "", "ghcr.io/harbour-works/charts/tides"},
		{"Harbour-Works/charts", "tides", "", "ghcr.io/harbour-works/charts/tides"},
		{"o", "n", "containers.ghe.example.com/o/n:latest", "containers.ghe.example.com/o/n"},
		{"o", "n", "127.0.0.1:5555/o/n:latest", "127.0.0.1:5555/o/n"},
		{"o", "n", "localhost:5555/o/n@sha256:00", "localhost:5555/o/n"},
		{"o", "n", "https://ghcr.io/o/n", "ghcr.io/o/n"},
		{"o", "n", "o/n:latest", "ghcr.io/o/n"},
		{"", "n", "ghcr.io/O/N/Deep:latest", "ghcr.io/o/n/deep"},
		{"o", "", "ghcr.io/o/n:latest", "ghcr.io/o/n"},
		{"", "n", "", ""},
		{"o", "", "n:latest", ""},
	} {
		if got := image(&githubPackage{Namespace: tt.namespace, Name: tt.name}, tt.url); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}
