package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// said is what go test prints of benchmarks that report every figure as 1.
func said() string {
	var b strings.Builder
	b.WriteString("goos: linux\n")
	for _, f := range figures() {
		fmt.Fprintf(&b, "Benchmark%s-2   \t       1\t         1.000 %s\t  0 ns/op\n", f.bench, f.metric)
	}
	return b.String() + "PASS\nok  \tfisherman/proxy\t2.1s\n"
}

func TestTheTableHasEveryFigure(t *testing.T) {
	var table strings.Builder
	if err := render(&table, metrics(said()), machine{cpu: "A processor"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| Webhook to the new release's first answer, over the floor | 1.00 ms | ≤ 100 ms | median of 7;",
		"| CPU when idle, 20 services | **1.00 % of a core** | ≤ 0.2 % of a core |",
		"| Allocations of a look-up | **1.00** | none |", "A processor",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}

func TestAFigureThatWasNotMeasuredIsAnError(t *testing.T) {
	err := render(&strings.Builder{}, metrics(strings.Replace(said(), "BenchmarkIdleCPU", "BenchmarkIdler", 1)), machine{})
	if err == nil || !strings.Contains(err.Error(), "IdleCPU") {
		t.Errorf("got %v", err)
	}
}

// TestEveryFigureHasABenchmark that reports it.
func TestEveryFigureHasABenchmark(t *testing.T) {
	var sources strings.Builder
	for _, dir := range []string{"../fisherman", "../../proxy", "../../deployer", "../../deployer/journal"} {
		files, err := filepath.Glob(dir + "/*bench_test.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no benchmarks in %s: %v", dir, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(raw)
		}
	}
	for _, f := range figures() {
		of := regexp.MustCompile(`(?s)func Benchmark` + f.bench + `\(b \*testing\.B\) \{.*?"` + regexp.QuoteMeta(f.metric) + `"\)`)
		if !of.MatchString(sources.String()) {
			t.Errorf("no benchmark %s reports %s", f.bench, f.metric)
		}
	}
}
