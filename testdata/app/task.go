package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// task does one thing after the other, each a word, and returns the exit code:
//
//	say=TEXT     prints it
//	env=NAME     prints a variable
//	cat=FILE     prints a file
//	touch=FILE   makes it
//	lines=N      prints N lines
//	sleep=3s     waits; SIGTERM ends it, as by default
//	deaf         from then on SIGTERM is told and ends nothing
//	eat=MIB      takes memory
//	loop=URL     asks again and again, by a connection of its own each time, and prints what the answer is when it differs
//	exit=CODE    exits
func task(words []string) int {
	for _, word := range words {
		what, of, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(of)
		switch what {
		case "say":
			fmt.Println(of)
		case "env":
			fmt.Println(os.Getenv(of))
		case "cat":
			text, err := os.ReadFile(of)
			fmt.Println(string(text), err)
		case "touch":
			if err := os.WriteFile(of, nil, 0o600); err != nil {
				fmt.Println(err)
				return 1
			}
		case "lines":
			for i := range n {
				fmt.Println("line", i)
			}
		case "sleep":
			d, _ := time.ParseDuration(of)
			time.Sleep(d)
		case "deaf":
			deafen()
		case "eat":
			eat(n)
		case "loop":
			loop(of)
		case "exit":
			return n
		default:
			fmt.Println("what is", word, "?")
			return 64
		}
	}
	return 0
}

func deafen() {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGTERM)
	go func() {
		for range heard {
			fmt.Println("got SIGTERM")
		}
	}()
}

func loop(url string) {
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for last := ""; ; time.Sleep(20 * time.Millisecond) {
		said := ask(client, url)
		if said != last {
			fmt.Println(said)
		}
		last = said
	}
}

func ask(client http.Client, url string) string {
	answer, err := client.Get(url) //nolint:noctx // for ever
	if err != nil {
		return "failed: " + err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Sprint("failed: ", answer.Status, " ", err)
	}
	return "answered " + string(text)
}
