package main

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// Counts of requests by method, route and the names of the query's parameters, as "GET /stacks?limit&status"; and all
// requests that were to change a stack, in their order.
type counts struct {
	sync.Mutex
	requests map[string]int
	writes   []write
}

type write struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Route  string    `json:"route"`
	Name   string    `json:"name"`
	ID     string    `json:"id,omitempty"`
	Status int       `json:"status"`
	// Of the connection that it came over: which process that is, the kernel knows.
	Remote string `json:"remote"`
}

func newCounts() *counts { return &counts{requests: map[string]int{}} }

func (c *counts) count(key string) {
	c.Lock()
	defer c.Unlock()
	c.requests[key]++
}

func (c *counts) wrote(one write) {
	c.Lock()
	defer c.Unlock()
	c.writes = append(c.writes, one)
}

// admin answers:
//
//	GET    /admin/requests  the counts
//	DELETE /admin/requests  the counts, which begin at nothing again
//	GET    /admin/writes    all requests that were to change a stack
//	DELETE /admin/writes    likewise
//	GET    /admin/stacks    all stacks ever created: names and ids, states, and the environments of the living ones
//	DELETE /admin/tokens    revokes all tokens
func (c *cloud) admin(w http.ResponseWriter, r *http.Request) {
	reset := r.Method == http.MethodDelete
	switch r.URL.Path {
	case "/admin/requests":
		c.counts.Lock()
		requests := maps.Clone(c.counts.requests)
		if reset {
			clear(c.counts.requests)
		}
		c.counts.Unlock()
		answer(w, http.StatusOK, requests)
	case "/admin/writes":
		c.counts.Lock()
		writes := append([]write{}, c.counts.writes...)
		if reset {
			c.counts.writes = nil
		}
		c.counts.Unlock()
		answer(w, http.StatusOK, writes)
	case "/admin/tokens":
		c.tokens.revokeAll()
		answer(w, http.StatusOK, nil)
	case "/admin/stacks":
		answer(w, http.StatusOK, c.everything())
	default:
		answer(w, http.StatusNotFound, nil)
	}
}

// A stack as tests look at it.
type account struct {
	Project     string       `json:"project"`
	Name        string       `json:"name"`
	ID          string       `json:"id"`
	Status      string       `json:"status"`
	Tags        []string     `json:"tags"`
	Created     time.Time    `json:"created"`
	Updated     *time.Time   `json:"updated"`
	Environment *environment `json:"environment,omitempty"`
}

func (c *cloud) everything() []account {
	c.stacks.Lock()
	defer c.stacks.Unlock()
	c.stacks.settle(time.Now())
	accounts := make([]account, 0, len(c.stacks.all))
	for _, s := range c.stacks.all {
		one := account{Project: s.project, Name: s.name, ID: s.id, Status: s.state(), Tags: s.tags, Created: s.created}
		if !s.updated.IsZero() {
			updated := s.updated
			one.Updated = &updated
		}
		if !s.deleted() {
			environment := s.inputs.Environment
			one.Environment = &environment
		}
		accounts = append(accounts, one)
	}
	return accounts
}
