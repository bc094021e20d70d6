package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

type health struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

type parameter struct {
	Name string `json:"name"`
}

type action struct {
	Name        string      `json:"name"`
	Params      []parameter `json:"params,omitempty"`
	Disabled    bool        `json:"disabled,omitempty"`
	IconClass   string      `json:"iconClass,omitempty"`
	DisplayName string      `json:"displayName,omitempty"`
}

// What Argo CD takes for a health; it makes Unknown of anything else.
var statuses = []string{"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}

func healthOf(script string, object map[string]any) (health, error) {
	var result health
	if err := runScript(script, object, nil, &result); err != nil {
		return result, err
	}
	if !slices.Contains(statuses, result.Status) {
		return result, fmt.Errorf("%q is no health", result.Status)
	}
	return result, nil
}

func actionsOf(script string, object map[string]any) ([]action, error) {
	var table map[string]action
	if err := runScript(script, object, nil, &table); err != nil {
		return nil, err
	}
	actions := []action{}
	for name, each := range table {
		each.Name = name
		actions = append(actions, each)
	}
	return actions, nil
}

// The object as an action leaves it.
func act(script string, object map[string]any, parameters map[string]string) (map[string]any, error) {
	var result map[string]any
	if err := runScript(script, object, parameters, &result); err != nil {
		return nil, err
	}
	return restoreEmpty(result, object).(map[string]any), nil
}

// Runs a script with the libraries and globals that Argo CD gives one of argocd-cm (util/lua/lua.go there).
func runScript(script string, object map[string]any, parameters map[string]string, result any) error {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
		lua.OsLibName:   lua.OpenOs,
	} {
		call := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return err
		}
	}
	keepClock(state)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)

	given := state.NewTable()
	for name, value := range parameters {
		given.RawSetString(name, lua.LString(value))
	}
	state.SetGlobal("actionParams", given)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		var failed *lua.ApiError
		if errors.As(err, &failed) {
			failed.StackTrace = ""
		}
		return err
	}
	value := state.Get(-1)
	if value.Type() != lua.LTTable {
		return fmt.Errorf("the script returns no table but a %s", value.Type())
	}
	text, err := luajson.Encode(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

// Leaves of the library os no more than the two functions that Argo CD has of it, and these only to require("os").
func keepClock(state *lua.LState) {
	whole := state.GetGlobal(lua.OsLibName)
	clock := state.NewTable()
	for _, name := range []string{"date", "time"} {
		clock.RawSetString(name, state.GetField(whole, name))
	}
	state.SetGlobal(lua.OsLibName, lua.LNil)
	state.SetField(state.GetField(state.GetGlobal(lua.LoadLibName), "loaded"), lua.OsLibName, clock)
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// Lua's empty table is a list to the encoder; where an object was before, Argo CD puts it back.
func restoreEmpty(now, before any) any {
	switch now := now.(type) {
	case map[string]any:
		if before, ok := before.(map[string]any); ok {
			for key, value := range now {
				now[key] = restoreEmpty(value, before[key])
			}
		}
	case []any:
		switch before := before.(type) {
		case map[string]any:
			if len(now) == 0 {
				return before
			}
		case []any:
			for index, value := range now {
				if index < len(before) {
					now[index] = restoreEmpty(value, before[index])
				}
			}
		}
	}
	return now
}
