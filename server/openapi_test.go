package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.yaml.in/yaml/v3"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/config"
)

// node is a piece of the description.
type node map[string]any

func (n node) at(path ...string) node {
	for _, key := range path {
		n, _ = n[key].(node)
	}
	return n
}

func (n node) texts(key string) (all []string) {
	list, ok := n[key].([]any)
	if !ok && n[key] != nil {
		list = []any{n[key]}
	}
	for _, one := range list {
		all = append(all, fmt.Sprint(one))
	}
	slices.Sort(all)
	return all
}

// resolve follows a reference.
func (n node) resolve(whole node) node {
	if to, ok := n["$ref"].(string); ok {
		return whole.at(strings.Split(strings.TrimPrefix(to, "#/"), "/")...).resolve(whole)
	}
	return n
}

func description(t *testing.T) node {
	t.Helper()
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var whole node
	if err := yaml.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	return whole
}

// Every route is described, and everything described is a route.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	var described, routed []string
	for path, methods := range description(t).at("paths") {
		for method := range methods.(node) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	routes, ok := build(&standIn{}).Handler().(chi.Routes)
	if !ok {
		t.Fatal("the handler is no router")
	}
	err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routed = append(routed, method+" "+route)
		return nil
	})
	slices.Sort(described)
	slices.Sort(routed)
	if err != nil || !slices.Equal(described, routed) {
		t.Errorf("described: %q\nrouted:    %q (%v)", described, routed, err)
	}
}

// Every schema has the keys, the kinds and the required keys of its Go type.
func TestOpenAPIHasTheTypes(t *testing.T) {
	whole := description(t)
	types := map[string]any{
		"Problem": server.Problem{}, "Deployment": server.Deployment{}, "Trigger": server.Trigger{}, "Step": server.Step{},
		"Plan": config.Plan{}, "Behind": config.Behind{}, "ServicePlan": config.ServicePlan{}, "Change": config.Change{},
		"Progress": server.Progress{}, "Reconciled": server.Reconciled{}, "Service": server.Service{},
		"ServiceRoute": server.ServiceRoute{}, "Replica": server.Replica{}, "Traffic": server.Traffic{}, "Route": server.Route{}, "Backend": server.Backend{},
		"Delivery": server.Delivery{}, "Accepted": server.Accepted{},
		"Status": struct { // of the two probes
			Status string `json:"status"`
		}{},
	}
	schemas := whole.at("components", "schemas")
	for name := range schemas {
		if _, known := types[name]; !known && name != "State" {
			t.Errorf("schema %s is no type", name)
		}
	}
	for name, value := range types {
		schema, typ := schemas.at(name), reflect.TypeOf(value)
		var keys, required []string
		for i := range typ.NumField() {
			key, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			keys = append(keys, key)
			if options == "" {
				required = append(required, key)
			}
			if got, want := kind(schema.at("properties", key), whole), kindOf(typ.Field(i).Type); got != want {
				t.Errorf("%s.%s is described as %s, and is %s", name, key, got, want)
			}
		}
		slices.Sort(keys)
		slices.Sort(required)
		if described := slices.Sorted(maps.Keys(schema.at("properties"))); !slices.Equal(described, keys) {
			t.Errorf("%s is described with %q, and has %q", name, described, keys)
		}
		if described := schema.texts("required"); !slices.Equal(described, required) {
			t.Errorf("%s is described to always have %q, and has %q", name, described, required)
		}
	}
	for _, state := range schemas.at("State").texts("enum") {
		if !strings.Contains(deployer.Diagram(), state) {
			t.Errorf("there is no state %s", state)
		}
	}
}

// kind is a schema's type in short: "string", "date-time, null", "array of Step".
func kind(schema, whole node) string {
	if to, ok := schema["$ref"].(string); ok {
		if kind := whole.at("components", "schemas", to[strings.LastIndex(to, "/")+1:])["type"]; kind != "object" {
			return fmt.Sprint(kind)
		}
		return to[strings.LastIndex(to, "/")+1:]
	}
	all := strings.Join(schema.texts("type"), ", ")
	switch {
	case all == "array":
		return "array of " + kind(schema.at("items"), whole)
	case schema["format"] == "date-time":
		return strings.Join(append([]string{"date-time"}, schema.texts("type")[:len(schema.texts("type"))-1]...), ", ")
	}
	return all
}

func kindOf(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem()) + ", null"
	case t == reflect.TypeFor[time.Time]():
		return "date-time"
	case t.Kind() == reflect.Slice:
		return "array of " + kindOf(t.Elem())
	case t.Kind() == reflect.Struct:
		return t.Name()
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "integer"
	case t.Kind() == reflect.Float64:
		return "number"
	}
	return t.Kind().String()
}

// Real answers are as described.
func TestOpenAPIHasTheAnswers(t *testing.T) {
	whole, h := description(t), start(t, &standIn{})
	for _, c := range []struct{ method, path, route string }{
		{"GET", "/healthz", "/healthz"},
		{"GET", "/readyz", "/readyz"},
		{"GET", "/api/v1/services", "/api/v1/services"},
		{"GET", "/api/v1/services/web", "/api/v1/services/{service}"},
		{"GET", "/api/v1/services/wbe", "/api/v1/services/{service}"},
		{"GET", "/api/v1/deployments?service=web", "/api/v1/deployments"},
		{"GET", "/api/v1/deployments?limit=none", "/api/v1/deployments"},
		{"GET", "/api/v1/deployments/01LIVE", "/api/v1/deployments/{id}"},
		{"GET", "/api/v1/events", "/api/v1/events"},
		{"GET", "/api/v1/routes", "/api/v1/routes"},
		{"POST", "/api/v1/services/web/deployments", "/api/v1/services/{service}/deployments"},
		{"POST", "/api/v1/services/web/rollback", "/api/v1/services/{service}/rollback"},
		{"POST", "/api/v1/deployments/01NEXT/cancel", "/api/v1/deployments/{id}/cancel"},
		{"POST", "/api/v1/deployments/01PAST/cancel", "/api/v1/deployments/{id}/cancel"},
		{"POST", "/api/v1/reconcile", "/api/v1/reconcile"},
		{"GET", "/api/v1/reconcile", "/api/v1/reconcile"},
		{"POST", "/api/v1/plan", "/api/v1/plan"},
		{"POST", "/webhooks/github", "/webhooks/github"},
	} {
		got := h.call(t, c.method, c.path, "")
		responses := whole.at("paths", c.route, strings.ToLower(c.method), "responses")
		response := responses.at(fmt.Sprint(got.status))
		if response == nil && got.status >= 400 {
			response = responses.at("default")
		}
		schema := response.resolve(whole).at("content", "application/json", "schema")
		var body any
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || schema == nil {
			t.Errorf("%s %s: %d is described by %v (%v)", c.method, c.path, got.status, schema, err)
			continue
		}
		for _, problem := range violations(body, schema, whole, "body") {
			t.Errorf("%s %s: %s\n%s", c.method, c.path, problem, got.body)
		}
	}
}

// violations are the ways in which a value is not as a schema says. What this description does not use is not known here.
func violations(value any, schema, whole node, where string) (all []string) {
	schema = schema.resolve(whole)
	if enum := schema.texts("enum"); len(enum) > 0 && !slices.Contains(enum, fmt.Sprint(value)) {
		all = append(all, fmt.Sprintf("%s is %v, none of %q", where, value, enum))
	}
	is := "null"
	switch v := value.(type) {
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case float64:
		is = "integer"
		if numbers := slices.Contains(schema.texts("type"), "number"); numbers || v != math.Trunc(v) {
			is = "number"
		}
	case []any:
		is = "array"
		for i, one := range v {
			all = append(all, violations(one, schema.at("items"), whole, fmt.Sprintf("%s[%d]", where, i))...)
		}
	case map[string]any:
		is = "object"
		for key, one := range v {
			described := schema.at("properties", key)
			if described == nil {
				all = append(all, where+" has the key "+key)
				continue
			}
			all = append(all, violations(one, described, whole, where+"."+key)...)
		}
		for _, key := range schema.texts("required") {
			if _, has := v[key]; !has {
				all = append(all, where+" lacks "+key)
			}
		}
	}
	if !slices.Contains(schema.texts("type"), is) {
		all = append(all, fmt.Sprintf("%s is %s, want %q", where, is, schema.texts("type")))
	}
	return all
}
