package main

import (
	"container/heap"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Inputs are what a create or update was sent.
type inputs struct {
	Template    json.RawMessage
	Environment environment
	Files       json.RawMessage
}

// Environment in the form that Heat gives it back in.
type environment struct {
	ResourceRegistry    map[string]any `json:"resource_registry"`
	Parameters          map[string]any `json:"parameters"`
	ParameterDefaults   map[string]any `json:"parameter_defaults"`
	EventSinks          []any          `json:"event_sinks"`
	EncryptedParamNames []string       `json:"encrypted_param_names"`
}

// Stack is guarded by its store's lock.
type stack struct {
	id, name, project, owner string
	// Serial number: the order of creation.
	number          int
	action, status  string
	reason          string
	created         time.Time
	updated         time.Time
	ends            time.Time
	tags            []string
	timeoutMins     *int
	disableRollback bool
	inputs          inputs
	// What a rollback brings back.
	before *inputs
	// Differs for each action that was begun.
	operation int
}

func (s *stack) state() string { return s.action + "_" + s.status }

func (s *stack) deleted() bool { return s.action == "DELETE" && s.status == "COMPLETE" }

// fails tells whether what Heat works on ends badly: a create or an update whose value is told to fail.
func (s *stack) fails() bool {
	value, is := s.inputs.Environment.Parameters["value"].(string)
	return is && strings.HasPrefix(value, "fail") && (s.action == "CREATE" || s.action == "UPDATE")
}

// Store holds the stacks of all projects. What an action brings about is settled when somebody looks.
type store struct {
	sync.Mutex
	work, nameHold time.Duration
	// All that were ever created, in that order.
	all  []*stack
	byID map[string]*stack
	// The living stack, or the last deleted one, of a project's name.
	byName map[[2]string]*stack
	// Living ones of each project, in the order of creation; deleted ones are taken out when they are settled.
	living map[string][]*stack
	// Of each project, by id.
	working map[string]map[string]*stack
	due     dueHeap
}

func newStore(work, nameHold time.Duration) *store {
	return &store{
		work:     work,
		nameHold: nameHold,
		byID:     map[string]*stack{},
		byName:   map[[2]string]*stack{},
		living:   map[string][]*stack{},
		working:  map[string]map[string]*stack{},
	}
}

// begin starts an action on a stack, on top of another one maybe.
func (s *store) begin(one *stack, action string, now time.Time) {
	one.action, one.status = action, "IN_PROGRESS"
	one.reason = fmt.Sprintf("Stack %s started", action)
	one.operation++
	one.ends = now.Add(s.work)
	if action != "CREATE" {
		one.updated = now
	}
	working := s.working[one.project]
	if working == nil {
		working = map[string]*stack{}
		s.working[one.project] = working
	}
	working[one.id] = one
	heap.Push(&s.due, due{one, one.operation, one.ends})
}

// settle ends the actions whose time has come.
func (s *store) settle(now time.Time) {
	for len(s.due) > 0 && !s.due[0].at.After(now) {
		next := heap.Pop(&s.due).(due)
		switch {
		case next.operation != next.stack.operation:
		case next.stack.fails():
			s.end(next.stack, "FAILED", fmt.Sprintf("Resource %s failed: its value says so", next.stack.action))
		default:
			s.end(next.stack, "COMPLETE", fmt.Sprintf("Stack %s completed successfully", next.stack.action))
		}
	}
}

func (s *store) end(one *stack, status, reason string) {
	one.status, one.reason = status, reason
	one.operation++
	delete(s.working[one.project], one.id)
	if !one.deleted() {
		return
	}
	one.inputs, one.before = inputs{}, nil
	living := s.living[one.project]
	at, found := slices.BinarySearchFunc(living, one.number, func(each *stack, number int) int { return each.number - number })
	if found {
		s.living[one.project] = slices.Delete(living, at, at+1)
	}
}

// taken tells whether a new stack can't have the name: for a moment not even that of a deleted one.
func (s *store) taken(project, name string, now time.Time) bool {
	stack := s.byName[[2]string{project, name}]
	return stack != nil && (!stack.deleted() || now.Before(s.freeAt(stack)))
}

// freeAt tells when the name of a deleted stack is free.
func (s *store) freeAt(deleted *stack) time.Time { return deleted.ends.Add(s.nameHold) }

// create adds a stack whose name was found to be free, and begins to make it.
func (s *store) create(one *stack, now time.Time) {
	one.id = newID()
	one.number = len(s.all)
	one.created = now
	s.all = append(s.all, one)
	s.byID[one.id] = one
	s.byName[[2]string{one.project, one.name}] = one
	s.living[one.project] = append(s.living[one.project], one)
	s.begin(one, "CREATE", now)
}

// find gives the stack of a path; nil when the project has none with this name and id.
func (s *store) find(project, name, id string) *stack {
	stack := s.byID[id]
	if stack == nil || stack.project != project || stack.name != name {
		return nil
	}
	return stack
}

// lookUp gives the stack that a name or an id means.
func (s *store) lookUp(project, nameOrID string) *stack {
	if stack := s.byID[nameOrID]; stack != nil && stack.project == project {
		return stack
	}
	return s.byName[[2]string{project, nameOrID}]
}

type due struct {
	stack     *stack
	operation int
	at        time.Time
}

type dueHeap []due

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// newID gives a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
