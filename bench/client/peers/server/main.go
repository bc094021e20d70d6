// A Keystone and a Heat that answer at once: what a benchmark measures on them is the client.
//
//	server SAMPLES
//
// SAMPLES is a JSON file of answers that a real Heat gave; all answers here are those, with other names and ids. The
// server listens on a free port of loopback, prints Keystone's address, and runs until its standard input ends.
//
// A project's name says how many stacks it has: "10000". All have the same resources.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	maxStacks = 100_000
	// Resources of each stack.
	resources = 5
	// Names and ids have the same length for every stack, so that all answers of a kind have the same size.
	stackName = "stack-%06d"
	stackID   = "e676bb8c-9320-47d1-aea0-%012d"
)

// What the samples say, and what stands for it here.
const (
	sampleName    = "one-2aae3b"
	sampleID      = "e676bb8c-9320-47d1-aea0-04ea101e4e5a"
	sampleBase    = "http://127.0.0.1:18004"
	sampleProject = "36ebabd8b6584a79beb4f5af258bdb23"
)

type server struct {
	base string
	// The texts of answers, still with the sample's name, id, address and project.
	stack, resources, token string
	// The rows of all stacks, each followed by a comma; row i begins at i*rowSize.
	rows    []byte
	rowSize int
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: server SAMPLES")
	}
	text, err := os.ReadFile(os.Args[1])
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	s := &server{base: "http://" + listener.Addr().String()}
	s.render(text)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("%s/v3\n", s.base)
	check(http.Serve(listener, s))
}

func (s *server) render(samples []byte) {
	var all struct {
		Token struct {
			Body json.RawMessage
		} `json:"auth_token"`
		Stack struct {
			Body json.RawMessage
		} `json:"get_stack"`
		List struct {
			Body struct{ Stacks []json.RawMessage }
		} `json:"list_stacks"`
		Resources struct {
			Body struct{ Resources []json.RawMessage }
		}
	}
	check(json.Unmarshal(samples, &all))
	s.token = s.compact(all.Token.Body)
	// The sample's token has expired.
	var token struct {
		Token struct {
			ExpiresAt string `json:"expires_at"`
		}
	}
	check(json.Unmarshal(all.Token.Body, &token))
	later := time.Now().UTC().Add(24 * time.Hour).Format("2006-01-02T15:04:05.000000Z")
	s.token = strings.ReplaceAll(s.token, token.Token.ExpiresAt, later)
	s.stack = s.compact(all.Stack.Body)

	resource := s.compact(all.Resources.Body.Resources[0])
	list := make([]string, resources)
	for i := range list {
		list[i] = strings.NewReplacer(
			`"resource_name":"r"`, fmt.Sprintf(`"resource_name":"r%d"`, i),
			`"logical_resource_id":"r"`, fmt.Sprintf(`"logical_resource_id":"r%d"`, i),
			`/resources/r"`, fmt.Sprintf(`/resources/r%d"`, i),
		).Replace(resource)
	}
	s.resources = fmt.Sprintf(`{"resources":[%s]}`, strings.Join(list, ","))

	row := s.compact(all.List.Body.Stacks[0])
	var rows bytes.Buffer
	for i := range maxStacks {
		rows.WriteString(fill(row, strconv.Itoa(maxStacks), fmt.Sprintf(stackName, i), fmt.Sprintf(stackID, i)))
		rows.WriteByte(',')
	}
	s.rows = rows.Bytes()
	s.rowSize = len(s.rows) / maxStacks
}

// compact removes white space, and puts in the address of this server.
func (s *server) compact(raw json.RawMessage) string {
	var text bytes.Buffer
	check(json.Compact(&text, raw))
	return strings.ReplaceAll(text.String(), sampleBase, s.base)
}

// fill puts a project, name and id in the place of the sample's.
func fill(text, project, name, id string) string {
	return strings.NewReplacer(sampleProject, project, sampleName, name, sampleID, id).Replace(text)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// As in "/v1/10000/stacks/stack-000001/<id>/resources".
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/v3/auth/tokens" && r.Method == http.MethodPost:
		s.signIn(w, r)
	case parts[0] == "v3" && len(parts) == 1:
		link := fmt.Sprintf(`[{"rel":"self","href":"%s/v3/"}]`, s.base)
		answer(w, 200, fmt.Sprintf(`{"version":{"id":"v3.14","status":"stable","links":%s,"media-types":[]}}`, link))
	case r.Header.Get("X-Auth-Token") == "":
		answer(w, 401, `{"error":{"code":401,"title":"Unauthorized","message":"The request has no token."}}`)
	case parts[0] != "v1" || r.Method != http.MethodGet:
		missing(w)
	case len(parts) == 1:
		link := fmt.Sprintf(`[{"rel":"self","href":"%s/v1/"}]`, s.base)
		answer(w, 300, fmt.Sprintf(`{"versions":[{"id":"v1.0","status":"CURRENT","links":%s}]}`, link))
	case len(parts) == 3 && parts[2] == "stacks":
		s.list(w, r, parts[1])
	case len(parts) == 4:
		index, found := indexOf(parts[3])
		if !found {
			missing(w)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("%s/v1/%s/stacks/"+stackName+"/"+stackID, s.base, parts[1], index, index))
		answer(w, 302, `{"code":302,"title":"Found"}`)
	case len(parts) == 5:
		answer(w, 200, fill(s.stack, parts[1], parts[3], parts[4]))
	case len(parts) == 6 && parts[5] == "resources":
		answer(w, 200, fill(s.resources, parts[1], parts[3], parts[4]))
	default:
		missing(w)
	}
}

// signIn takes any user and password. The project asked for is in the answer and in the catalog's addresses.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Auth struct {
			Scope struct {
				Project struct{ Name string }
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		answer(w, 400, `{"error":{"code":400,"title":"Bad Request","message":"The body isn't JSON."}}`)
		return
	}
	project := request.Auth.Scope.Project.Name
	w.Header().Set("X-Subject-Token", "token-of-the-benchmark")
	body := strings.ReplaceAll(s.token, sampleProject, project)
	answer(w, 201, strings.ReplaceAll(body, `"name":"demo"},"is_domain"`, fmt.Sprintf(`"name":"%s"},"is_domain"`, project)))
}

func (s *server) list(w http.ResponseWriter, r *http.Request, project string) {
	total, err := strconv.Atoi(project)
	if err != nil || total < 1 || total > maxStacks {
		missing(w)
		return
	}
	query := r.URL.Query()
	begin := 0
	if marker := query.Get("marker"); marker != "" {
		index, found := indexOf(marker)
		if !found {
			missing(w)
			return
		}
		begin = index + 1
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = total
	}
	end := min(begin+limit, total)
	if begin >= end {
		answer(w, 200, `{"stacks":[]}`)
		return
	}
	const head = `{"stacks":[`
	tail := "]}"
	// Heat names a next page whenever this one is full.
	if end-begin == limit {
		query.Set("marker", fmt.Sprintf(stackID, end-1))
		href := fmt.Sprintf("%s%s?%s", s.base, r.URL.Path, query.Encode())
		tail = fmt.Sprintf(`],"links":[{"rel":"next","href":"%s"}]}`, href)
	}
	rows := s.rows[begin*s.rowSize : end*s.rowSize-1]
	headers(w, len(head)+len(rows)+len(tail))
	w.WriteHeader(200)
	_, _ = io.WriteString(w, head)
	_, _ = w.Write(rows)
	_, _ = io.WriteString(w, tail)
}

// indexOf reads a stack's number from its name or id.
func indexOf(nameOrID string) (int, bool) {
	index, err := strconv.Atoi(nameOrID[strings.LastIndexByte(nameOrID, '-')+1:])
	return index, err == nil && index >= 0 && index < maxStacks
}

func missing(w http.ResponseWriter) {
	answer(w, 404, `{"code":404,"title":"Not Found","explanation":"No such thing here.","error":{"type":"EntityNotFound","traceback":null,"message":"No such thing here."}}`)
}

func answer(w http.ResponseWriter, status int, body string) {
	headers(w, len(body))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func headers(w http.ResponseWriter, length int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(length))
	h.Set("X-Openstack-Request-Id", "req-8b7a6c5d-4e3f-4a2b-9c1d-0e9f8a7b6c5d")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
