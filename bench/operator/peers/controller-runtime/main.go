// A plain operator for stacks as a Go engineer would write it, with controller-runtime and gophercloud: the yardstick of
// the benchmark. It creates a stack, asks for it and its resources every two seconds while Heat is at work, writes the
// status when it differs, updates when what it would send differs from what it sent, and deletes behind a finalizer. It
// sends no Events, and knows neither drift nor ownership.
//
//	controller-runtime --kubeconfig FILE --concurrency 10
package main

import (
	"flag"
	"log"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

func main() {
	// --kubeconfig is controller-runtime's own.
	concurrency := flag.Int("concurrency", 10, "stacks worked on at once")
	poll := flag.Duration("poll", 2*time.Second, "how often a stack at work is read")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	scheme := runtime.NewScheme()
	check(clientgoscheme.AddToScheme(scheme))
	check(schemeBuilder.AddToScheme(scheme))
	config, err := ctrl.GetConfig()
	check(err)
	// As many requests as the work asks for, as the others do.
	config.QPS, config.Burst = -1, 0
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	check(err)
	reconciler := &reconciler{Client: manager.GetClient(), poll: *poll, clouds: map[cloudKey]*cloud{}}
	check(ctrl.NewControllerManagedBy(manager).
		For(&HeatStack{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: *concurrency}).
		Complete(reconciler))
	check(manager.Start(ctrl.SetupSignalHandler()))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
