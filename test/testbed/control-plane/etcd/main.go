// Command etcd is etcd's own server. `go install go.etcd.io/etcd/server/v3@…` refuses, because of the
// `replace` lines in its go.mod; a module that imports it does the same job.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
