package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// figure is a row: a metric of a benchmark, and what it is for people.
type figure struct {
	name, bench, metric, unit string
	most                      float64 // the aim; 0: none
	how                       string
}

// figures are in the order of the table. Ratios are taken turn by turn in one run.
func figures() []figure {
	return []figure{
		{"Webhook to the new release's first answer, over the floor", "WebhookToLive", "over-floor-ms", "ms", 100, "median of 7; the floor is the same image created, started and answering through the bare engine, turn by turn"},
		{"The same, whole", "WebhookToLive", "live-ms", "ms", 0, "the app takes 150 ms to begin to listen"},
		{"The floor", "WebhookToLive", "floor-ms", "ms", 0, "in the same run"},
		{"Ten services at once against one", "SideBySide", "ratio", "×", 10, "median of 3, turn by turn; from the first webhook to the last one's first answer"},
		{"Ten bare containers at once against one", "SideBySide", "bare-ratio", "×", 0, "what the engine itself makes of it"},
		{"200 deliveries within a second, 99th percentile", "Deliveries", "p99-ms", "ms", 0, "signed pushes, each on disk before its answer"},
		{"The same, median", "Deliveries", "p50-ms", "ms", 0, "in the same run"},
		{"200 unchanged services, the configuration applied again", "Unchanged", "ms", "ms", 0, "median of 7, on as many containers; over the API"},
		{"The same, calls to the engine", "Unchanged", "calls", "", 2, "the most of 7, counted at a socket before the engine's"},
		{"CPU time of a proxied request against a bare ReverseProxy", "CPUPerRequest", "ratio", "×", 1.15, "turn by turn; with access log to a file, metrics and 100 routes"},
		{"Finding a route among 10,000 against among 10", "LookUp", "ratio", "×", 1.25, "medians, turn by turn"},
		{"The same, one look-up among 10,000", "LookUp", "many-ns", "ns", 0, "host and path to route"},
		{"Allocations of a look-up", "LookUp", "allocs", "", 0.001, "among 10,000 routes"},
		{"Memory when idle", "Idle", "resident-MiB", "MiB", 0, "resident, one service, after its first deployment"},
		{"The same, without pages of the binary", "Idle", "own-MiB", "MiB", 0, "anonymous: what the kernel cannot drop and read again"},
		{"CPU when idle, 20 services", "IdleCPU", "%", "% of a core", 0.2, "over a minute; user and system time of the server"},
		{"Memory that 1,000 deployments leave behind", "ThousandDeployments", "MiB", "MiB", 0, "heap after collection; the deployer with its real journal on a runtime in memory, for the engine would take half an hour"},
		{"Journal after 100,000 deployments", "HundredThousandDeployments", "MiB", "MiB", 0, "of ten services; from about 11,000 on it does not grow"},
		{"Opening that journal", "HundredThousandDeployments", "ms/open", "ms", 0, "as at a start"},
		{"Size of the binary", "Idle", "binary-MB", "MB", 0, "static, stripped"},
	}
}

// metrics reads what `go test -bench` prints: "BenchmarkName-2   1   12.5 unit   3 other-unit". The key is "Name unit".
func metrics(said string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(said) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-")
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				all[name+" "+fields[i+1]] = value
			}
		}
	}
	return all
}

// render prints the table, and what is short of its aim. A figure that was not measured is an error: the table would look
// complete.
func render(w io.Writer, measured map[string]float64, on machine) error {
	var missing []error
	fmt.Fprintln(w, "| figure | value | aim | how measured |\n|---|---|---|---|")
	for _, f := range figures() {
		value, found := measured[f.bench+" "+f.metric]
		if !found {
			missing = append(missing, fmt.Errorf("benchmark %s did not report %s", f.bench, f.metric))
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.name, f.valued(value), f.aim(), f.how)
	}
	fmt.Fprintf(w, "\n%s\n", on)
	return errors.Join(missing...)
}

func (f figure) valued(value float64) string {
	text := strings.TrimSpace(short(value) + " " + f.unit)
	if f.most > 0 && value > f.most {
		return "**" + text + "**" // short of the aim
	}
	return text
}

func (f figure) aim() string {
	switch {
	case f.most == 0:
		return ""
	case f.most < 0.01:
		return "none"
	}
	return "≤ " + strings.TrimSpace(strconv.FormatFloat(f.most, 'g', -1, 64)+" "+f.unit)
}

// short has three digits that mean something.
func short(value float64) string {
	switch {
	case value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	case value == 0:
		return "0"
	}
	return strconv.FormatFloat(value, 'f', 2, 64)
}
