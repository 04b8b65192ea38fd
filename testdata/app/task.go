package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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
//	eat=MIB      takes memory
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
		case "eat":
			eat(n)
		case "exit":
			return n
		default:
			fmt.Println("what is", word, "?")
			return 64
		}
	}
	return 0
}
