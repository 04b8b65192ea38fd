package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"fisherman/server"
	"fisherman/server/config"
)

// Services lists what runs.
func (c *Client) Services(ctx context.Context) ([]server.Service, error) {
	return ask[[]server.Service](ctx, c, call{method: http.MethodGet, path: []string{"services"}})
}

// Service is one of them.
func (c *Client) Service(ctx context.Context, name string) (server.Service, error) {
	return ask[server.Service](ctx, c, call{method: http.MethodGet, path: []string{"services", name}})
}

// Deployments lists the newest first: of one service or, with an empty name, of all. A limit of 0 is the server's own
// (50); 1000 is the most.
func (c *Client) Deployments(ctx context.Context, service string, limit int) ([]server.Deployment, error) {
	query := url.Values{}
	if service != "" {
		query.Set("service", service)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return ask[[]server.Deployment](ctx, c, call{method: http.MethodGet, path: []string{"deployments"}, query: query})
}

// Current lists the deployments that are live or on their way, the newest first: of one service or, with an empty name, of
// all.
func (c *Client) Current(ctx context.Context, service string) ([]server.Deployment, error) {
	query := url.Values{"current": {"true"}, "limit": {"1000"}}
	if service != "" {
		query.Set("service", service)
	}
	return ask[[]server.Deployment](ctx, c, call{method: http.MethodGet, path: []string{"deployments"}, query: query})
}

// Deployment is one by id.
func (c *Client) Deployment(ctx context.Context, id string) (server.Deployment, error) {
	return ask[server.Deployment](ctx, c, call{method: http.MethodGet, path: []string{"deployments", id}})
}

// Deploy deploys a tag or digest of a service's image; with an empty reference the service's own tag, afresh.
func (c *Client) Deploy(ctx context.Context, service, reference string) (server.Deployment, error) {
	return c.command(ctx, option("reference", reference), "services", service, "deployments")
}

// Rollback goes back to a deployment that succeeded; with an empty id to the newest one before the live one.
func (c *Client) Rollback(ctx context.Context, service, to string) (server.Deployment, error) {
	return c.command(ctx, option("to", to), "services", service, "rollback")
}

// Cancel ends a deployment that has not switched.
func (c *Client) Cancel(ctx context.Context, id string) (server.Deployment, error) {
	return c.command(ctx, nil, "deployments", id, "cancel")
}

// Plan says what a configuration would change; nil is the one that the server has, read again.
func (c *Client) Plan(ctx context.Context, raw []byte) (config.Plan, error) {
	return ask[config.Plan](ctx, c, call{method: http.MethodPost, path: []string{"plan"}, raw: raw})
}

// Reconcile has the server read its configuration again, apply it, and start what should run and does not.
func (c *Client) Reconcile(ctx context.Context) (server.Reconciled, error) {
	return ask[server.Reconciled](ctx, c, call{method: http.MethodPost, path: []string{"reconcile"}})
}

// Reconciled is what came of the last configuration, and what is wrong with it where it lives.
func (c *Client) Reconciled(ctx context.Context) (server.Reconciled, error) {
	return ask[server.Reconciled](ctx, c, call{method: http.MethodGet, path: []string{"reconcile"}})
}

// Routes is the proxy's live table.
func (c *Client) Routes(ctx context.Context) ([]server.Route, error) {
	return ask[[]server.Route](ctx, c, call{method: http.MethodGet, path: []string{"routes"}})
}

func (c *Client) command(ctx context.Context, body map[string]string, path ...string) (server.Deployment, error) {
	return ask[server.Deployment](ctx, c, call{method: http.MethodPost, path: path, body: body})
}

// option is a command's body with one key, which may be left away.
func option(key, value string) map[string]string {
	if value == "" {
		return nil
	}
	return map[string]string{key: value}
}
