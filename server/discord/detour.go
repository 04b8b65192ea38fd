package discord

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

// maxAnswer bounds what is read of an answer; a message is a few kilobytes.
const maxAnswer = 1 << 20

// detour leads the requests of one session to another address: the library knows Discord's as package variables only.
type detour struct {
	discord *url.URL // where the library believes Discord to be
	api     *url.URL
	next    http.RoundTripper
}

func newDetour(api string, next http.RoundTripper) (*detour, error) {
	discord, err := url.Parse(discordgo.EndpointDiscord)
	if err != nil {
		return nil, fmt.Errorf("parse Discord's own address: %w", err)
	}
	if next == nil {
		next = http.DefaultTransport.(*http.Transport).Clone()
	}
	if api == "" {
		return &detour{discord: discord, api: discord, next: next}, nil
	}
	there, err := url.Parse(api)
	if err != nil || there.Host == "" || there.Scheme != "https" && there.Scheme != "http" {
		return nil, fmt.Errorf("api %q is not a URL; write https://discord.com/", api)
	}
	return &detour{discord: discord, api: there, next: next}, nil
}

// RoundTrip refuses what is not for Discord: each request carries the bot's token. It returns a *rateLimit for 429,
// whose delay Discord gives in the body (Rate Limits, "Exceeding A Rate Limit") and the network before it in a header.
func (d *detour) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != d.discord.Host {
		return nil, fmt.Errorf("%s is not Discord", r.URL.Host)
	}
	there := r.Clone(r.Context())
	there.URL.Scheme, there.URL.Host, there.Host = d.api.Scheme, d.api.Host, ""
	there.URL.Path = path.Join("/", d.api.Path, r.URL.Path)
	answer, err := d.next.RoundTrip(there)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusTooManyRequests {
		defer func() { _ = answer.Body.Close() }()
		return nil, &rateLimit{retryAfter(answer.Header, answer.Body)}
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	return answer, nil
}

// retryAfter is the longer of what header and body say, in seconds; a second at least.
func retryAfter(h http.Header, body io.Reader) time.Duration {
	var told struct {
		RetryAfter float64 `json:"retry_after"`
	}
	_ = json.NewDecoder(io.LimitReader(body, 4096)).Decode(&told) // HTML, at times: then it is the header that tells
	header, _ := strconv.ParseFloat(h.Get("Retry-After"), 64)
	seconds := min(max(told.RetryAfter, header, 1), maxRateLimit.Seconds())
	return time.Duration(seconds * float64(time.Second))
}
