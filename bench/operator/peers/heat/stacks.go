package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// The same resources in every stack.
var resourceNames = []string{"r0", "r1", "r2", "r3", "r4"}

const resourceType = "OS::Heat::RandomString"

// What a create or update sends.
type request struct {
	StackName       string          `json:"stack_name"`
	Template        json.RawMessage `json:"template"`
	Environment     json.RawMessage `json:"environment"`
	Files           json.RawMessage `json:"files"`
	Parameters      map[string]any  `json:"parameters"`
	Tags            *string         `json:"tags"`
	TimeoutMins     *int            `json:"timeout_mins"`
	DisableRollback *bool           `json:"disable_rollback"`
}

func isNone(raw json.RawMessage) bool { return len(raw) == 0 || bytes.Equal(raw, []byte("null")) }

// unquoted gives the JSON in a text, or what it was: templates and environments come in both forms.
func unquoted(raw json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(raw, &text) != nil || !json.Valid([]byte(text)) {
		return raw
	}
	return json.RawMessage(text)
}

// inputsOf puts a request's inputs together, on top of those that a PATCH keeps.
func inputsOf(r *request, existing *inputs) (inputs, error) {
	result := inputs{Template: json.RawMessage(`{}`), Files: json.RawMessage(`{}`)}
	if existing != nil {
		result = *existing
	} else if isNone(r.Template) {
		return result, fmt.Errorf("No template specified")
	}
	if !isNone(r.Template) {
		result.Template = unquoted(r.Template)
	}
	if !isNone(r.Files) {
		result.Files = r.Files
	}
	e := environment{}
	if existing != nil {
		e = existing.Environment
		e.Parameters = copied(e.Parameters)
		e.ParameterDefaults = copied(e.ParameterDefaults)
	}
	if !isNone(r.Environment) {
		if err := json.Unmarshal(unquoted(r.Environment), &e); err != nil {
			return result, fmt.Errorf("Environment not in valid format (here it must be JSON): %w", err)
		}
	}
	e.Parameters = copied(e.Parameters)
	for name, value := range r.Parameters {
		e.Parameters[name] = value
	}
	if e.ResourceRegistry == nil {
		e.ResourceRegistry = map[string]any{"resources": map[string]any{}}
	}
	if e.ParameterDefaults == nil {
		e.ParameterDefaults = map[string]any{}
	}
	if e.EventSinks == nil {
		e.EventSinks = []any{}
	}
	if e.EncryptedParamNames == nil {
		e.EncryptedParamNames = []string{}
	}
	result.Environment = e
	return result, nil
}

func copied(from map[string]any) map[string]any {
	to := make(map[string]any, len(from))
	for key, value := range from {
		to[key] = value
	}
	return to
}

func tagsOf(text *string) []string {
	if text == nil || *text == "" {
		return []string{}
	}
	return strings.Split(*text, ",")
}

// newStack reads a create; it has answered when Heat would refuse it.
func (c *call) newStack() *stack {
	var r request
	if !c.body(&r) {
		return nil
	}
	inputs, err := inputsOf(&r, nil)
	if err != nil || r.StackName == "" {
		message := "No stack name specified"
		if err != nil {
			message = err.Error()
		}
		fault(c.w, http.StatusBadRequest, "HTTPBadRequest", message)
		return nil
	}
	if recorder, is := c.w.(*recorder); is {
		recorder.name = r.StackName
	}
	if c.stacks.taken(c.token.project, r.StackName, c.now) {
		fault(c.w, http.StatusConflict, "StackExists", "The Stack ("+r.StackName+") already exists.")
		return nil
	}
	s := &stack{name: r.StackName, project: c.token.project, owner: c.token.user, inputs: inputs, tags: tagsOf(r.Tags), timeoutMins: r.TimeoutMins}
	s.disableRollback = r.DisableRollback == nil || *r.DisableRollback
	return s
}

func (c *call) create() {
	s := c.newStack()
	if s == nil {
		return
	}
	c.stacks.create(s, c.now)
	if recorder, is := c.w.(*recorder); is {
		recorder.id = s.id
	}
	c.w.Header().Set("Location", c.stackURL(s))
	answer(c.w, http.StatusCreated, map[string]any{"stack": map[string]any{"id": s.id, "links": c.self(s)}})
}

// refusesUpdate tells whether a stack in this state takes none; it has answered then.
func (c *call) refusesUpdate(s *stack) bool {
	switch s.action {
	case "DELETE":
		fault(c.w, http.StatusBadRequest, "NotSupported", "Updating a stack when it is deleting is not supported.")
	case "SUSPEND":
		fault(c.w, http.StatusBadRequest, "NotSupported", "Updating a stack when it is suspended is not supported.")
	default:
		return false
	}
	return true
}

// newInputs reads an update; it has answered when Heat would refuse it.
func (c *call) newInputs(s *stack, existing bool) (*request, *inputs) {
	var r request
	if !c.body(&r) || c.refusesUpdate(s) {
		return nil, nil
	}
	var before *inputs
	if existing {
		before = &s.inputs
	}
	after, err := inputsOf(&r, before)
	if err != nil {
		fault(c.w, http.StatusBadRequest, "HTTPBadRequest", err.Error())
		return nil, nil
	}
	return &r, &after
}

// update begins one; as with Heat's convergence, on top of a create or update under way, too.
func (c *call) update(s *stack, existing bool) {
	r, after := c.newInputs(s, existing)
	if after == nil {
		return
	}
	before := s.inputs
	s.before, s.inputs = &before, *after
	if r.Tags != nil || !existing {
		s.tags = tagsOf(r.Tags)
	}
	if r.TimeoutMins != nil && *r.TimeoutMins != 0 {
		s.timeoutMins = r.TimeoutMins
	}
	if r.DisableRollback != nil {
		s.disableRollback = *r.DisableRollback
	}
	c.stacks.begin(s, "UPDATE", c.now)
	answer(c.w, http.StatusAccepted, map[string]string{
		"message": "The request is accepted for processing.<br /><br />\n\n\n", "code": "202 Accepted", "title": "Accepted",
	})
}

func (c *call) delete(s *stack) {
	if s.action != "DELETE" {
		c.stacks.begin(s, "DELETE", c.now)
	}
	send(c.w, http.StatusNoContent, nil)
}

// act carries out check, suspend, resume and the two that end an update.
func (c *call) act(s *stack) {
	var actions map[string]any
	if !c.body(&actions) {
		return
	}
	for name := range actions {
		switch name {
		case "check", "suspend", "resume":
			if s.status == "IN_PROGRESS" {
				fault(c.w, http.StatusConflict, "ActionInProgress", "Stack "+s.name+" already has an action ("+s.action+") in progress.")
				return
			}
			c.stacks.begin(s, strings.ToUpper(name), c.now)
		case "cancel_update", "cancel_without_rollback":
			if s.state() != "UPDATE_IN_PROGRESS" {
				fault(c.w, http.StatusBadRequest, "NotSupported", "Cancelling update when stack is "+s.state()+" is not supported.")
				return
			}
			if name == "cancel_update" && s.before != nil {
				s.inputs = *s.before
				c.stacks.begin(s, "ROLLBACK", c.now)
			} else {
				c.stacks.end(s, "FAILED", "Stack UPDATE cancelled")
			}
		default:
			fault(c.w, http.StatusBadRequest, "HTTPBadRequest", "Invalid action "+name+" specified")
			return
		}
	}
	answer(c.w, http.StatusOK, nil)
}

// iso writes a time as Heat does, in whole seconds; null for none.
func iso(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// forgotten tells when Heat gave up the name of a deleted stack; until then it shows no such time.
func (c *call) forgotten(s *stack) time.Time {
	if !s.deleted() || c.now.Before(c.stacks.freeAt(s)) {
		return time.Time{}
	}
	return c.stacks.freeAt(s)
}

func (c *call) self(s *stack) []any {
	return []any{map[string]string{"href": c.stackURL(s), "rel": "self"}}
}

// row is a stack in a list.
func (c *call) row(s *stack) map[string]any {
	return map[string]any{
		"id": s.id, "links": c.self(s), "stack_name": s.name, "description": "", "stack_status": s.state(),
		"stack_status_reason": s.reason, "creation_time": iso(s.created), "updated_time": iso(s.updated), "deletion_time": iso(c.forgotten(s)),
		"stack_owner": s.owner, "parent": nil, "stack_user_project_id": "b00cebec391744838aea93ca99176f29", "tags": s.tags,
	}
}

// detail is what GET of a stack and a preview have in common.
func (c *call) detail(s *stack) map[string]any {
	parameters := map[string]any{"OS::stack_id": s.id, "OS::project_id": s.project, "OS::stack_name": s.name}
	for name, value := range s.inputs.Environment.Parameters {
		if text, is := value.(string); is {
			parameters[name] = text
		} else {
			text, _ := json.Marshal(value)
			parameters[name] = string(text)
		}
	}
	detail := c.row(s)
	for name, value := range map[string]any{
		"notification_topics": []any{}, "parameters": parameters, "description": "No description", "template_description": "No description",
		"capabilities": []any{}, "disable_rollback": s.disableRollback, "timeout_mins": s.timeoutMins,
	} {
		detail[name] = value
	}
	return detail
}

func (c *call) show(s *stack) {
	detail := c.detail(s)
	resolve := strings.ToLower(c.r.URL.Query().Get("resolve_outputs"))
	if resolve != "false" && !s.deleted() {
		detail["outputs"] = []any{map[string]any{
			"output_key": "value", "description": "the value", "output_value": s.inputs.Environment.Parameters["value"],
		}}
	}
	answer(c.w, http.StatusOK, map[string]any{"stack": detail})
}

func (c *call) outputs(*stack) {
	answer(c.w, http.StatusOK, map[string]any{"outputs": []any{map[string]string{"output_key": "value", "description": "the value"}}})
}

func (c *call) resources(s *stack) {
	list := []any{}
	for _, name := range resourceNames {
		if s.deleted() {
			break
		}
		updated := s.updated
		if updated.IsZero() {
			updated = s.created
		}
		list = append(list, map[string]any{
			"updated_time": iso(updated), "creation_time": iso(s.created), "logical_resource_id": name, "resource_name": name,
			"physical_resource_id": s.name + "-" + name + "-uvtmy2vaikwi", "resource_status": s.state(),
			"resource_status_reason": "state changed", "resource_type": resourceType, "required_by": []any{},
			"links": []any{
				map[string]string{"href": c.stackURL(s) + "/resources/" + name, "rel": "self"},
				map[string]string{"href": c.stackURL(s), "rel": "stack"},
			},
		})
	}
	answer(c.w, http.StatusOK, map[string]any{"resources": list})
}

func (c *call) validate() {
	var r request
	if !c.body(&r) {
		return
	}
	answer(c.w, http.StatusOK, map[string]any{"Description": "No description", "Parameters": map[string]any{}})
}

// changes are the resources in a preview.
func (c *call) changes(s *stack) []any {
	list := []any{}
	for _, name := range resourceNames {
		identity := func(path string) any {
			return map[string]string{"tenant": s.project, "stack_name": s.name, "stack_id": s.id, "path": path}
		}
		list = append(list, map[string]any{
			"updated_time": nil, "creation_time": nil, "resource_name": name, "physical_resource_id": "", "resource_action": "INIT",
			"resource_status": "COMPLETE", "resource_status_reason": "", "resource_type": resourceType,
			"resource_identity": identity("/resources/" + name), "stack_identity": identity(""), "stack_name": s.name,
			"required_by": []any{}, "description": "", "metadata": map[string]any{}, "attributes": map[string]any{"value": nil},
		})
	}
	return list
}

func (c *call) previewCreate() {
	s := c.newStack()
	if s == nil {
		return
	}
	s.id, s.created = "None", c.now
	preview := c.detail(s)
	delete(preview, "stack_status")
	delete(preview, "stack_status_reason")
	preview["resources"] = c.changes(s)
	answer(c.w, http.StatusOK, map[string]any{"stack": preview})
}

func (c *call) previewUpdate(s *stack, existing bool) {
	_, after := c.newInputs(s, existing)
	if after == nil {
		return
	}
	none := []any{}
	changes := map[string]any{"unchanged": none, "updated": none, "replaced": none, "added": none, "deleted": none}
	kind := "updated"
	if bytes.Equal(s.inputs.Template, after.Template) && reflect.DeepEqual(s.inputs.Environment.Parameters, after.Environment.Parameters) {
		kind = "unchanged"
	}
	changes[kind] = c.changes(s)
	answer(c.w, http.StatusOK, map[string]any{"resource_changes": changes})
}
