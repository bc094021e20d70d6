// A Keystone and a Heat that hold stacks in memory and answer at once: what a benchmark measures on them is the operator,
// and what a fault test finds in them is what operators did.
//
//	heat [--listen 127.0.0.1:0] [--work 10s] [--name-hold 500ms] [--token-life 1h]
//
// It prints Keystone's address and runs until its standard input ends. Answers have the form of a real Heat 27's
// (src/openstack/testdata/heat-samples.json). Any user and password are taken; the project's name is its id, too.
//
// Below /admin it tells what happened; see admin.go. Templates are kept as they come and not carried out: each stack has
// the same five resources, and an output "value" with the parameter of that name. A create or update whose "value" begins
// with "fail" fails in the end.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address; its host must be of loopback")
	work := flag.Duration("work", 10*time.Second, "how long each action of a stack takes")
	nameHold := flag.Duration("name-hold", 500*time.Millisecond, "how long the name of a deleted stack stays taken")
	tokenLife := flag.Duration("token-life", time.Hour, "how long a token is valid")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	if !address.IP.IsLoopback() {
		log.Fatalf("%s isn't an address of loopback", *listen)
	}
	base := "http://" + address.String()
	cloud := &cloud{
		base:   base,
		tokens: newTokens(*tokenLife),
		stacks: newStore(*work, *nameHold),
		counts: newCounts(),
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("%s/v3\n", base)
	log.Fatal(http.Serve(listener, cloud))
}
