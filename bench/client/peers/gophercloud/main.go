// gophercloud as a client of the benchmark; see measure.ts for what its output means.
//
//	gophercloud AUTH_URL WORKLOAD
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/orchestration/v1/stackresources"
	"github.com/gophercloud/gophercloud/v2/openstack/orchestration/v1/stacks"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

type workload struct {
	Kind        string `json:"kind"`
	Count       int    `json:"count"`
	WarmUp      int    `json:"warmUp"`
	Concurrency int    `json:"concurrency"`
	PageSize    int    `json:"pageSize"`
	Stacks      int    `json:"stacks"`
	Name        string `json:"name"`
	ID          string `json:"id"`
}

const wanted = "CREATE_COMPLETE"

func main() {
	ctx := context.Background()
	var w workload
	check(json.Unmarshal([]byte(os.Args[2]), &w))
	heat := signIn(ctx, os.Args[1], w)

	fmt.Println("idle")
	bufio.NewScanner(os.Stdin).Scan()
	run(ctx, heat, w, w.WarmUp)
	cpu, wall := cpuMs(), time.Now()
	read := run(ctx, heat, w, w.Count)
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"read":       read,
		"cpuMs":      cpuMs() - cpu,
		"wallMs":     float64(time.Since(wall).Microseconds()) / 1000,
		"totalCpuMs": cpuMs(),
	}))
}

func signIn(ctx context.Context, authURL string, w workload) *gophercloud.ServiceClient {
	provider, err := openstack.NewClient(authURL)
	check(err)
	// Go keeps two idle connections to a host; with more goroutines than that most requests would connect anew.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.Proxy = nil
	provider.HTTPClient = http.Client{Transport: transport}
	check(openstack.Authenticate(ctx, provider, gophercloud.AuthOptions{
		IdentityEndpoint: authURL,
		Username:         "demo",
		Password:         "secret",
		DomainName:       "Default",
		TenantName:       strconv.Itoa(w.Stacks),
		AllowReauth:      true,
	}))
	heat, err := openstack.NewOrchestrationV1(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	check(err)
	return heat
}

// run makes `count` calls, or reads as many rows, and tells how many things in the wanted state it got.
func run(ctx context.Context, heat *gophercloud.ServiceClient, w workload, count int) int {
	switch w.Kind {
	case "list":
		return list(ctx, heat, w, count)
	case "get":
		return each(w.Concurrency, count, func() int { return get(ctx, heat, w) })
	default:
		return each(w.Concurrency, count, func() int { return resources(ctx, heat, w) })
	}
}

func each(concurrency, count int, call func() int) int {
	var next, read atomic.Int64
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			for next.Add(1) <= int64(count) {
				read.Add(int64(call()))
			}
		})
	}
	workers.Wait()
	return int(read.Load())
}

func get(ctx context.Context, heat *gophercloud.ServiceClient, w workload) int {
	stack, err := stacks.Get(ctx, heat, w.Name, w.ID).Extract()
	check(err)
	if stack.Status == wanted {
		return 1
	}
	return 0
}

func resources(ctx context.Context, heat *gophercloud.ServiceClient, w workload) int {
	read := 0
	check(stackresources.List(heat, w.Name, w.ID, nil).EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		all, err := stackresources.ExtractResources(page)
		for _, resource := range all {
			if resource.Status == wanted {
				read++
			}
		}
		return true, err
	}))
	return read
}

// gophercloud takes Heat's list for one page and follows no link: its user asks for the next page.
func list(ctx context.Context, heat *gophercloud.ServiceClient, w workload, count int) int {
	read, marker := 0, ""
	for rows := 0; rows < count; {
		last := 0
		opts := stacks.ListOpts{Limit: w.PageSize, Marker: marker}
		check(stacks.List(heat, opts).EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
			all, err := stacks.ExtractStacks(page)
			for _, stack := range all {
				if stack.Status == wanted {
					read++
				}
				marker = stack.ID
			}
			last = len(all)
			return true, err
		}))
		rows += last
		if last < w.PageSize {
			break
		}
	}
	return read
}

// cpuMs is the CPU time of this process in user and system mode, in milliseconds.
func cpuMs() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	ms := func(t syscall.Timeval) float64 { return float64(t.Sec)*1000 + float64(t.Usec)/1000 }
	return ms(usage.Utime) + ms(usage.Stime)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
