package config

import (
	"strings"
	"testing"
)

func TestEnvFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"plain":              {"A=1\nB=two words\nC=\n", map[string]string{"A": "1", "B": "two words", "C": ""}},
		"no line end":        {"A=1", map[string]string{"A": "1"}},
		"nothing":            {"", map[string]string{}},
		"comments":           {"# no\n\n  # no\nA=1 # one\nB=a#b\nC=#\n", map[string]string{"A": "1", "B": "a#b", "C": ""}},
		"white space":        {"  A = 1  \nexport B=2\n\tC=\t3\n", map[string]string{"A": "1", "B": "2", "C": "3"}},
		"single quotes":      {`A='a # "b" \n $X ${Y}'` + "\n", map[string]string{"A": `a # "b" \n $X ${Y}`}},
		"double quotes":      {`A="a # 'b' \n\t\"\\ \$X \q" # so` + "\n", map[string]string{"A": "a # 'b' \n\t\"\\ $X \\q"}},
		"several lines":      {"A=\"-----BEGIN\nMII=\n-----END\"\nB='x\ny'\nC=z", map[string]string{"A": "-----BEGIN\nMII=\n-----END", "B": "x\ny", "C": "z"}},
		"names":              {"_a.b-c=1\nAbc123Def456Ghi789=x\nAbc123Def456Ghi788=''\n", map[string]string{"_a.b-c": "1", "Abc123Def456Ghi789": "x", "Abc123Def456Ghi788": ""}},
		"equals signs":       {"A=b=c==\n", map[string]string{"A": "b=c=="}},
		"nothing taken over": {"A=$HOME ${HOME}\n", map[string]string{"A": "$HOME ${HOME}"}},
		"the last one wins":  {"A=1\nA=2\n", map[string]string{"A": "2"}},
		"of Windows":         {"\ufeffA=1\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseEnvFile(c.text)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("got %d variables, %v; want %d", len(got), err, len(c.want))
			}
			for key, want := range c.want {
				if text, _ := got[key].Reveal(); text != want {
					t.Errorf("%s is %q, want %q", key, text, want)
				}
			}
		})
	}
}

// TestMistakesInEnvFiles are named by their lines, and show nothing.
func TestMistakesInEnvFiles(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nhunter2\n":                       "line 2 has no equals sign; write NAME=VALUE",
		"=hunter2":                             "line 1 does not begin with a variable's name",
		"hunter2 hunter2=1":                    "line 1 does not begin with a variable's name",
		"A=1\nhunter2/x=":                      "line 2 does not begin with a variable's name",
		"hunter2+x=":                           "line 1 does not begin with a variable's name",
		"PASSWORD:hunter2=":                    "line 1 does not begin with a variable's name",
		"2hunter=1":                            "line 1 does not begin with a variable's name",
		"A=1\nq83vEjRWeJCrhunter2ze8A=\n":      "line 2 looks like a secret in base64; write NAME= before it",
		"q83vEjRWeJCrhunter2ze8==":             "line 1 looks like a secret in base64",
		"A=\"x\ny\"\nB='hunter2\nC=1\n":        "line 3 begins a value in quotes that nothing closes",
		"A='hunter2' hunter2":                  "line 1 goes on after the closing quote",
		"A=hunter2\x00":                        "something else than text",
		"A=hunter2\xff":                        "something else than text",
		strings.Repeat("A=hunter2\n", 200_000): "larger than 1048576 bytes",
	} {
		_, err := parseEnvFile(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
}
