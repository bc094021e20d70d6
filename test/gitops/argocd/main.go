// Runs customizations for Argo CD as Argo CD runs them.
//
//	argocd test DIR       runs the tests of a resource's customization, in Argo CD's own format (health_test.yaml and
//	                      actions/action_test.yaml), and writes a line of JSON for each: test, and problem if there is one
//	argocd health SCRIPT  reads one object a line as JSON from standard input, and writes a line of JSON for each, in the
//	                      same order: status and message
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "argocd:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("expected: test DIR, or health SCRIPT")
	}
	switch args[0] {
	case "test":
		return testCustomization(args[1], json.NewEncoder(os.Stdout))
	case "health":
		script, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		return judgeAll(string(script), os.Stdin, os.Stdout)
	default:
		return fmt.Errorf("%q is neither test nor health", args[0])
	}
}

func judgeAll(script string, in io.Reader, out io.Writer) error {
	// Not a Scanner: it has a longest line.
	reader := bufio.NewReader(in)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			var object map[string]any
			if err := json.Unmarshal(line, &object); err != nil {
				return err
			}
			health, err := healthOf(script, object)
			if err != nil {
				return err
			}
			if err := encoder.Encode(health); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
	}
}
