package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

type token struct {
	project, user string
	expires       time.Time
}

// Tokens that were issued and not revoked.
type tokens struct {
	sync.Mutex
	life time.Duration
	byID map[string]token
}

func newTokens(life time.Duration) *tokens {
	return &tokens{life: life, byID: map[string]token{}}
}

func (t *tokens) issue(project, user string, now time.Time) (id string, expires time.Time) {
	t.Lock()
	defer t.Unlock()
	id, expires = "token-"+newID(), now.Add(t.life)
	t.byID[id] = token{project, user, expires}
	return id, expires
}

func (t *tokens) find(id string, now time.Time) (token, bool) {
	t.Lock()
	defer t.Unlock()
	found, is := t.byID[id]
	return found, is && now.Before(found.expires)
}

func (t *tokens) revokeAll() {
	t.Lock()
	defer t.Unlock()
	clear(t.byID)
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (n named) either() string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

func (c *cloud) signIn(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Auth struct {
			Identity struct {
				Password struct{ User named }
				// Its project can't be told from the request: it has the credential's name.
				ApplicationCredential named `json:"application_credential"`
			}
			Scope struct{ Project named }
		}
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&request); err != nil {
		unauthorized(w, http.StatusBadRequest, "The body isn't JSON.")
		return
	}
	auth := request.Auth
	project, user := auth.Scope.Project.either(), auth.Identity.Password.User.either()
	if project == "" {
		project = auth.Identity.ApplicationCredential.either()
	}
	if project == "" {
		unauthorized(w, http.StatusUnauthorized, "The request you have made requires authentication.")
		return
	}
	now := time.Now().UTC()
	id, expires := c.tokens.issue(project, user, now)
	endpoint := func(kind string) any {
		url := c.base + "/v1/" + project
		return map[string]string{"id": "3e64b5bb" + kind, "interface": kind, "region_id": "RegionOne", "region": "RegionOne", "url": url}
	}
	domain := named{"default", "Default"}
	const form = "2006-01-02T15:04:05.000000Z"
	w.Header().Set("X-Subject-Token", id)
	answer(w, http.StatusCreated, map[string]any{"token": map[string]any{
		"methods":    []string{"password"},
		"user":       map[string]any{"id": user, "name": user, "domain": domain, "password_expires_at": nil},
		"audit_ids":  []string{"gd4mX8P2QqOu56KUeC8ylw"},
		"expires_at": expires.Format(form),
		"issued_at":  now.Format(form),
		"project":    map[string]any{"id": project, "name": project, "domain": domain},
		"is_domain":  false,
		"roles":      []named{{"e742e70a7dad4080adf583160f2754ad", "heat_stack_owner"}, {"323a235a9733457e9dc13d01293109a1", "member"}},
		"catalog": []any{map[string]any{
			"id": "25bf139c5458459e8bfdca68f453cb0d", "type": "orchestration", "name": "heat",
			"endpoints": []any{endpoint("public"), endpoint("internal"), endpoint("admin")},
		}},
	}})
}

func (c *cloud) identityVersion(w http.ResponseWriter) {
	link := map[string]string{"rel": "self", "href": c.base + "/v3/"}
	answer(w, http.StatusOK, map[string]any{"version": map[string]any{
		"id": "v3.14", "status": "stable", "links": []any{link}, "media-types": []any{},
	}})
}

func (c *cloud) heatVersions(w http.ResponseWriter) {
	link := map[string]string{"rel": "self", "href": c.base + "/v1/"}
	answer(w, http.StatusMultipleChoices, map[string]any{"versions": []any{
		map[string]any{"id": "v1.0", "status": "CURRENT", "links": []any{link}},
	}})
}

func unauthorized(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"error": map[string]any{
		"code": status, "title": http.StatusText(status), "message": message,
	}})
}

func (c *cloud) stackURL(s *stack) string {
	return fmt.Sprintf("%s/v1/%s/stacks/%s/%s", c.base, s.project, s.name, s.id)
}
