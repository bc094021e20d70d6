package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The largest body that Heat takes is 2 MiB unless its operator raised it.
const maxBody = 2 << 20

type cloud struct {
	base   string
	tokens *tokens
	stacks *store
	counts *counts
}

// A request to Heat whose token fits its project.
type call struct {
	*cloud
	w     http.ResponseWriter
	r     *http.Request
	token token
	now   time.Time
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// As in "/v1/demo/stacks/web/<id>/resources".
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "admin" {
		c.admin(w, r)
		return
	}
	route := routeOf(parts)
	c.counts.count(r.Method + " " + route + queryNames(r))
	switch {
	case route == "/v3/auth/tokens" && r.Method == http.MethodPost:
		c.signIn(w, r)
	case route == "/v3":
		c.identityVersion(w)
	case route == "/" || route == "/v1":
		c.heatVersions(w)
	case parts[0] != "v1":
		unauthorized(w, http.StatusNotFound, "No such thing here.")
	default:
		c.heat(w, r, parts, route)
	}
}

func (c *cloud) heat(w http.ResponseWriter, r *http.Request, parts []string, route string) {
	now := time.Now()
	token, known := c.tokens.find(r.Header.Get("X-Auth-Token"), now)
	if !known {
		unauthorized(w, http.StatusUnauthorized, "The request you have made requires authentication.")
		return
	}
	if token.project != parts[1] {
		fault(w, http.StatusForbidden, "HTTPForbidden", "Access was denied to this resource.")
		return
	}
	call := &call{c, w, r, token, now}
	if r.Method == http.MethodGet {
		call.serve(parts[2:], route)
		return
	}
	recorder := &recorder{ResponseWriter: w}
	call.w = recorder
	call.serve(parts[2:], route)
	one := write{At: now, Method: r.Method, Route: route, Status: recorder.status, Remote: r.RemoteAddr, Name: recorder.name, ID: recorder.id}
	if strings.HasSuffix(route, "/preview") || route == "/validate" {
		return
	}
	if len(parts) > 4 {
		one.Name, one.ID = parts[3], parts[4]
	}
	c.counts.wrote(one)
}

// recorder notes what became of a write.
type recorder struct {
	http.ResponseWriter
	status   int
	name, id string
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// routeOf names a route as Heat's documentation does, without the project.
func routeOf(parts []string) string {
	if parts[0] != "v1" || len(parts) < 3 {
		if parts[0] == "v1" {
			return "/v1"
		}
		return "/" + strings.Join(parts, "/")
	}
	rest := append([]string(nil), parts[2:]...)
	if rest[0] == "stacks" {
		if len(rest) > 1 && rest[1] != "preview" && rest[1] != "detail" {
			rest[1] = "{name}"
		}
		if len(rest) > 2 {
			rest[2] = "{id}"
		}
		if len(rest) > 4 {
			rest[4] = "{part}"
		}
	}
	return "/" + strings.Join(rest, "/")
}

func (c *call) serve(parts []string, route string) {
	part := func(at int) string {
		if at < len(parts) {
			return parts[at]
		}
		return ""
	}
	c.stacks.Lock()
	defer c.stacks.Unlock()
	c.stacks.settle(c.now)
	name, id := part(1), part(2)
	switch c.r.Method + " " + route {
	case "GET /stacks", "GET /stacks/detail":
		c.list()
	case "POST /stacks":
		c.create()
	case "POST /stacks/preview":
		c.previewCreate()
	case "POST /validate":
		c.validate()
	case "GET /build_info":
		revision := map[string]string{"revision": "unknown"}
		answer(c.w, http.StatusOK, map[string]any{"api": revision, "engine": revision})
	case "GET /stacks/{name}", "PUT /stacks/{name}", "PATCH /stacks/{name}", "DELETE /stacks/{name}", "POST /stacks/{name}":
		c.redirect(name)
	case "GET /stacks/{name}/{id}":
		c.with(name, id, true, c.show)
	case "GET /stacks/{name}/{id}/resources":
		c.with(name, id, true, c.resources)
	case "GET /stacks/{name}/{id}/environment":
		c.with(name, id, false, func(s *stack) { answer(c.w, http.StatusOK, s.inputs.Environment) })
	case "GET /stacks/{name}/{id}/template":
		c.with(name, id, false, func(s *stack) { answer(c.w, http.StatusOK, s.inputs.Template) })
	case "GET /stacks/{name}/{id}/files":
		c.with(name, id, false, func(s *stack) { answer(c.w, http.StatusOK, s.inputs.Files) })
	case "GET /stacks/{name}/{id}/outputs":
		c.with(name, id, false, c.outputs)
	case "GET /stacks/{name}/{id}/events":
		c.with(name, id, true, func(*stack) { answer(c.w, http.StatusOK, map[string]any{"events": []any{}}) })
	case "PUT /stacks/{name}/{id}":
		c.with(name, id, false, func(s *stack) { c.update(s, false) })
	case "PATCH /stacks/{name}/{id}":
		c.with(name, id, false, func(s *stack) { c.update(s, true) })
	case "PUT /stacks/{name}/{id}/preview":
		c.with(name, id, false, func(s *stack) { c.previewUpdate(s, false) })
	case "PATCH /stacks/{name}/{id}/preview":
		c.with(name, id, false, func(s *stack) { c.previewUpdate(s, true) })
	case "POST /stacks/{name}/{id}/actions":
		c.with(name, id, false, c.act)
	case "DELETE /stacks/{name}/{id}":
		c.with(name, id, false, c.delete)
	default:
		fault(c.w, http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
	}
}

// with calls a handler with the stack of the path; deleted ones are there for reading only.
func (c *call) with(name, id string, deletedToo bool, handle func(*stack)) {
	s := c.stacks.find(c.token.project, name, id)
	if s == nil || s.deleted() && !deletedToo {
		fault(c.w, http.StatusNotFound, "EntityNotFound", "The Stack ("+name+") could not be found.")
		return
	}
	handle(s)
}

func (c *call) redirect(nameOrID string) {
	s := c.stacks.lookUp(c.token.project, nameOrID)
	if s == nil {
		fault(c.w, http.StatusNotFound, "EntityNotFound", "The Stack ("+nameOrID+") could not be found.")
		return
	}
	url := c.stackURL(s)
	if query := c.r.URL.RawQuery; query != "" {
		url += "?" + query
	}
	c.w.Header().Set("Location", url)
	message := "The resource was found at " + url + ";\nyou should be redirected automatically.\n\n"
	answer(c.w, http.StatusFound, map[string]string{"message": message, "code": "302 Found", "title": "Found"})
}

// body reads the request's; it has answered when that can't be done.
func (c *call) body(into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, maxBody)).Decode(into); err != nil {
		fault(c.w, http.StatusBadRequest, "HTTPBadRequest", "The body can't be read: "+err.Error())
		return false
	}
	return true
}

var explanations = map[int]string{
	http.StatusBadRequest: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
	http.StatusForbidden:  "Access was denied to this resource.",
	http.StatusNotFound:   "The resource could not be found.",
	http.StatusConflict:   "There was a conflict when trying to complete your request.",
}

// fault answers with an error of Heat's.
func fault(w http.ResponseWriter, status int, kind, message string) {
	answer(w, status, map[string]any{
		"code": status, "title": http.StatusText(status), "explanation": explanations[status],
		"error": map[string]any{"type": kind, "traceback": nil, "message": message},
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, status, text)
}

func send(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Openstack-Request-Id", "req-"+newID())
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
