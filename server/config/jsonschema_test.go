package config_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"fisherman/server/config"
)

// editors is the schema as an editor uses it; compiling it holds it to the metaschema.
var editors = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := schemaDocument()
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("fisherman.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("fisherman.json")
})

func schemaDocument() (any, error) {
	raw, err := config.JSONSchema()
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(raw))
}

// edited is what an editor says of a text.
func edited(t *testing.T, text string) error {
	t.Helper()
	schema, err := editors()
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return schema.Validate(asJSON(t, root.Content[0]))
}

// asJSON is a document as editors see it: aliases and merge keys resolved, keys as texts, and values by YAML's core schema,
// in which a date is a text.
func asJSON(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.AliasNode:
		return asJSON(t, n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, asJSON(t, item))
		}
		return list
	case yaml.MappingNode:
		object, merged := map[string]any{}, map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			value := asJSON(t, n.Content[i+1])
			if n.Content[i].Tag != "!!merge" {
				object[n.Content[i].Value] = value
				continue
			}
			sources, several := value.([]any)
			if !several {
				sources = []any{value}
			}
			for _, theirs := range slices.Backward(sources) { // the first one wins
				maps.Copy(merged, theirs.(map[string]any))
			}
		}
		maps.Copy(merged, object)
		return merged
	}
	var value any
	if err := n.Decode(&value); err != nil {
		t.Fatal(err)
	}
	switch number := value.(type) {
	case nil, bool, int:
		return value
	case float64:
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return 0.5 // a number, too, which JSON has no word for
		}
		return value
	}
	return n.Value
}

// TestEditorsTakeWhatREADMEShows, and so does check.
func TestEditorsTakeWhatREADMEShows(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		text := strings.NewReplacer("OWNER", "owner", "NAME", "name").Replace(block[1])
		if !strings.Contains(text, "\nservices:\n") {
			continue // another program's
		}
		shown++
		if !strings.Contains(text, "repository:") {
			text = strings.Replace(text, "  web:\n", "  web:\n    repository: o/web\n    image: i/web\n", 1)
		}
		if err := edited(t, text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if strings.Contains(text, "…") {
			continue // shortened
		}
		if _, err := config.Parse([]byte(text), func(name string) (string, bool) { return "x", name != "FISHERMAN_AGE_KEY" }); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	if shown < 2 {
		t.Errorf("README shows %d configurations", shown)
	}
}

// TestEditorsKnowEveryKey: the schema has the keys of README's table, and no others.
func TestEditorsKnowEveryKey(t *testing.T) {
	document, err := schemaDocument()
	if err != nil {
		t.Fatal(err)
	}
	root := document.(map[string]any)
	var known []string
	var walk func(path string, at map[string]any)
	walk = func(path string, at map[string]any) {
		if ref, ok := at["$ref"]; ok && path != "defaults" {
			at = root["$defs"].(map[string]any)[strings.TrimPrefix(ref.(string), "#/$defs/")].(map[string]any)
		}
		properties, _ := at["properties"].(map[string]any)
		for name, p := range properties {
			walk(strings.TrimPrefix(path+"."+name, "."), p.(map[string]any))
		}
		entries, open := at["additionalProperties"].(map[string]any)
		if open {
			walk(path+".*", entries)
		}
		items, listed := at["items"].(map[string]any)
		if listed {
			walk(path+"[]", items)
		}
		if properties == nil && !open && !listed {
			known = append(known, path)
		}
		if what, _ := at["description"].(string); what == "" && (properties != nil && path != "" && !strings.HasSuffix(path, "]") && !strings.HasSuffix(path, "*")) {
			t.Errorf("%s is not described", path)
		}
	}
	walk("", root)
	var want []string
	for _, key := range config.Keys() {
		want = append(want, regexp.MustCompile(`\b[A-Z]+\b`).ReplaceAllString(key.Path, "*"))
	}
	slices.Sort(known)
	slices.Sort(want)
	equal(t, known, want)
}

// TestEditorsTakeWhatIsRight: there is no false alarm.
func TestEditorsTakeWhatIsRight(t *testing.T) {
	files, err := filepath.Glob(fixtures + "/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var right int
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Parse(raw, environment); err != nil {
			continue
		}
		right++
		if err := edited(t, string(raw)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if right < 2 {
		t.Errorf("%d fixtures are right", right)
	}
	for _, text := range []string{
		service("replicas: '${EMPTY}', drain: '${EMPTY}', strategy: '${EMPTY}', read_only: '${EMPTY}', routes: [{ host: '${EMPTY}', port: '${EMPTY}' }]"),
		"defaults: { image: ghcr.io/o/a, repository: o/a }\nservices: { web: ~, api: {} }",
		"services: { web: &w { repository: o/a, image: ghcr.io/o/a }, api: { <<: *w, tag: 1.10 } }",
		service("env_file: [a.env, s3://b/c], files: { /etc/x: { source: f, mode: 0600, owner: 1000 }, /y: { content: { age: x } } }, before: { args: [0777] }"),
		service("environment: { A: 1e3, B: 0777, C: yes, D: 2026-01-02, E: 1.10, F: '' }"),
	} {
		if err := edited(t, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestEditorsSeeMistakes that are common and show by themselves.
func TestEditorsSeeMistakes(t *testing.T) {
	for _, text := range []string{
		"{}", "services: {}", "services: ~", "github: { secret: s }",
		"{ gihub: {}, " + service("tag: x")[1:],
		service("imagee: x"), service("routes: { host: a.pl, port: 80 }"), service("routes: [{ host: a.pl }]"),
		service("routes: [{ host: 'http://a.pl', port: 80 }]"), service("routes: [{ host: 'a.example.pl:80', port: 80 }]"),
		service("routes: [{ host: a.pl, port: 70000 }]"), service("routes: [{ host: a.pl, port: http }]"),
		service("routes: [{ host: a.pl, port: 80, prefix: api }]"), service("routes: [{ host: a.pl, port: 80, tls: no }]"),
		service("replicas: 0"), service("replicas: many"), service("drain: 30"), service("drain: half an hour"), service("drain: [30s]"),
		service("environment: [A=b]"), service("environment: { A: ~ }"), service("strategy: rolling"), service("read_only: yes"),
		service("resources: { memory: 256 }"), service("resources: { memory: lots }"), service("resources: { cpus: 0 }"),
		service("volumes: [data]"), service("ports: [80]"), service("labels: { fisherman.service: x }"), service("cap_add: [NET_ADMN]"),
		service("tmpfs: [tmp]"), service("user: 'a b'"), service("extra_hosts: [db]"), service("args: run"), service("health: /health"),
		service("files: { etc: { content: x } }"), service("files: { /etc/x: x }"), service("files: { /etc/x: { content: x, mode: rw } }"),
		service("env_file: { a: b }"),
		strings.Replace(service("tag: x"), "web:", "Web:", 1), strings.Replace(service("tag: x"), "image: ghcr.io/o/web", "image: 'ghcr.io/o/web:1'", 1),
		strings.Replace(service("tag: x"), "repository: o/web,", "", 1), strings.Replace(service("tag: x"), "repository: o/web", "repository: https://github.com/o/web", 1),
		"{ discord: { token: t }, " + service("tag: x")[1:], "{ registries: { ghcr.io: { username: u } }, " + service("tag: x")[1:],
		"{ server: { listen: 5000 }, " + service("tag: x")[1:], "{ proxy: { trusted_proxies: 10.0.0.0/8 }, " + service("tag: x")[1:],
	} {
		if err := edited(t, text); err == nil {
			t.Errorf("nothing is wrong with %s", text)
		} else if _, err := config.Parse([]byte(text), environment); err == nil {
			t.Errorf("false alarm: %s", text)
		}
	}
}

// TestEditorsShowDefaults as YAML has them.
func TestEditorsShowDefaults(t *testing.T) {
	document, err := schemaDocument()
	if err != nil {
		t.Fatal(err)
	}
	service := document.(map[string]any)["$defs"].(map[string]any)["service"].(map[string]any)["properties"].(map[string]any)
	for name, want := range map[string]string{"replicas": "1", "drain": "30s", "read_only": "false", "strategy": "blue-green"} {
		if got := fmt.Sprint(service[name].(map[string]any)["default"]); got != want {
			t.Errorf("%s is %s by default, want %s", name, got, want)
		}
	}
}
