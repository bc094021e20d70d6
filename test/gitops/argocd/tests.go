package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"

	"sigs.k8s.io/yaml"
)

type outcome struct {
	Test    string `json:"test"`
	Problem string `json:"problem,omitempty"`
}

type healthTests struct {
	Tests []struct {
		InputPath    string `json:"inputPath"`
		HealthStatus health `json:"healthStatus"`
	} `json:"tests"`
}

type actionTests struct {
	DiscoveryTests []struct {
		InputPath string   `json:"inputPath"`
		Result    []action `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []struct {
		Action               string            `json:"action"`
		InputPath            string            `json:"inputPath"`
		ExpectedOutputPath   string            `json:"expectedOutputPath"`
		ExpectedErrorMessage string            `json:"expectedErrorMessage"`
		Parameters           map[string]string `json:"parameters"`
	} `json:"actionTests"`
}

func testCustomization(dir string, out *json.Encoder) error {
	if err := testHealth(dir, out); err != nil {
		return err
	}
	return testActions(filepath.Join(dir, "actions"), out)
}

func testHealth(dir string, out *json.Encoder) error {
	var tests healthTests
	script, err := readTests(filepath.Join(dir, "health_test.yaml"), filepath.Join(dir, "health.lua"), &tests)
	if err != nil {
		return err
	}
	for _, test := range tests.Tests {
		name := "health " + test.InputPath
		err := withObject(filepath.Join(dir, test.InputPath), func(object map[string]any) error {
			got, err := healthOf(script, object)
			return differ(got, test.HealthStatus, err)
		})
		if err := report(out, name, err); err != nil {
			return err
		}
	}
	return nil
}

func testActions(dir string, out *json.Encoder) error {
	var tests actionTests
	discovery, err := readTests(filepath.Join(dir, "action_test.yaml"), filepath.Join(dir, "discovery.lua"), &tests)
	if err != nil {
		return err
	}
	for _, test := range tests.DiscoveryTests {
		err := withObject(filepath.Join(dir, test.InputPath), func(object map[string]any) error {
			got, err := actionsOf(discovery, object)
			return differ(byName(got), byName(test.Result), err)
		})
		if err := report(out, "discovery "+test.InputPath, err); err != nil {
			return err
		}
	}
	for _, test := range tests.ActionTests {
		err := withObject(filepath.Join(dir, test.InputPath), func(object map[string]any) error {
			script, err := os.ReadFile(filepath.Join(dir, test.Action, "action.lua"))
			if err != nil {
				return err
			}
			got, err := act(string(script), object, test.Parameters)
			if test.ExpectedErrorMessage != "" {
				return differ(fmt.Sprint(err), test.ExpectedErrorMessage, nil)
			}
			if err != nil {
				return err
			}
			return withObject(filepath.Join(dir, test.ExpectedOutputPath), func(expected map[string]any) error {
				return differ(atNoTime(got), atNoTime(expected), nil)
			})
		})
		if err := report(out, fmt.Sprintf("action %s %s %v", test.Action, test.InputPath, test.Parameters), err); err != nil {
			return err
		}
	}
	return nil
}

// Reads a file of tests, and the script that they test.
func readTests(file, script string, tests any) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if err := yaml.UnmarshalStrict(text, tests); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	source, err := os.ReadFile(script)
	return string(source), err
}

func withObject(file string, use func(map[string]any) error) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var object map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return use(object)
}

func differ(got, expected any, err error) error {
	if err != nil {
		return err
	}
	if reflect.DeepEqual(got, expected) {
		return nil
	}
	g, _ := json.Marshal(got)
	e, _ := json.Marshal(expected)
	return fmt.Errorf("it is %s and not %s", g, e)
}

func byName(actions []action) []action {
	sort.Slice(actions, func(a, b int) bool { return actions[a].Name < actions[b].Name })
	return actions
}

var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

// The object with its annotations' times, of which an action writes the present, set to the same one.
func atNoTime(object map[string]any) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for name, value := range annotations {
		annotations[name] = timestamp.ReplaceAllString(fmt.Sprint(value), "0001-01-01T00:00:00Z")
	}
	return object
}

func report(out *json.Encoder, test string, err error) error {
	if err != nil {
		return out.Encode(outcome{test, err.Error()})
	}
	return out.Encode(outcome{Test: test})
}
