// What the health check expressions of a Flux Kustomization make of objects.
//
//	flux FILE  reads one object a line as JSON from standard input, and writes a line of JSON for each, in the same order:
//	           "Current", "InProgress" or "Failed"
//
// The environment of the expressions and the order in which they count are those of Flux 2.6 and newer
// (github.com/fluxcd/pkg/runtime/cel, whose own modules are too many for this).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"sigs.k8s.io/yaml"
)

type check struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	InProgress string `json:"inProgress"`
	Failed     string `json:"failed"`
	Current    string `json:"current"`
}

type kustomization struct {
	Spec struct {
		HealthCheckExprs []check `json:"healthCheckExprs"`
	} `json:"spec"`
}

// An expression, and what it says of an object when it is true.
type rule struct {
	verdict string
	program cel.Program
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "flux:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("expected: FILE")
	}
	rules, err := readRules(args[0])
	if err != nil {
		return err
	}
	// Not a Scanner: it has a longest line.
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			verdict, err := judge(rules, line)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%q\n", verdict)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// The rules of each kind in the documents of a file, in the order in which they count.
func readRules(file string) (map[string][]rule, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	env, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Strings(),
		ext.Sets(),
		ext.Encoders(),
	)
	if err != nil {
		return nil, err
	}
	rules := map[string][]rule{}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var found kustomization
		if err := yaml.Unmarshal(document, &found); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, each := range found.Spec.HealthCheckExprs {
			for _, part := range []struct{ verdict, expression string }{
				{"InProgress", each.InProgress},
				{"Failed", each.Failed},
				{"Current", each.Current},
			} {
				program, err := compile(env, part.expression)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", file, part.verdict, err)
				}
				key := each.APIVersion + " " + each.Kind
				rules[key] = append(rules[key], rule{part.verdict, program})
			}
		}
	}
	return rules, nil
}

func compile(env *cel.Env, expression string) (cel.Program, error) {
	// Only parsed: what an object has at its top isn't declared.
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	return env.Program(parsed, cel.EvalOptions(cel.OptOptimize))
}

func judge(rules map[string][]rule, line []byte) (string, error) {
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil {
		return "", err
	}
	status, _ := object["status"].(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	if observed, ok := status["observedGeneration"]; ok && observed != metadata["generation"] {
		return "InProgress", nil
	}
	key := fmt.Sprintf("%v %v", object["apiVersion"], object["kind"])
	if len(rules[key]) == 0 {
		return "", fmt.Errorf("there are no expressions for %s", key)
	}
	for _, each := range rules[key] {
		value, _, err := each.program.Eval(object)
		if err != nil {
			return "", err
		}
		if value.Value() == true {
			return each.verdict, nil
		}
	}
	return "InProgress", nil
}
