package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

type cloudLock struct{ sync.Mutex }

type cloudKey struct{ namespace, secret, cloud string }

// A cloud that somebody is signed in to, with the version of the Secret that told how.
type cloud struct {
	version string
	heat    *gophercloud.ServiceClient
}

// heatOf gives the Heat that the object's Secret leads to. Whoever has the same Secret shares the sign-in.
func (r *reconciler) heatOf(ctx context.Context, object *HeatStack) (*gophercloud.ServiceClient, error) {
	ref := object.Spec.CloudCredentialsRef
	secret := &corev1.Secret{}
	if err := r.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: ref.SecretName}, secret); err != nil {
		return nil, err
	}
	key := cloudKey{object.Namespace, ref.SecretName, ref.CloudName}
	r.Lock()
	defer r.Unlock()
	if known := r.clouds[key]; known != nil && known.version == secret.ResourceVersion {
		return known.heat, nil
	}
	auth, endpoint, _, err := clouds.Parse(
		clouds.WithCloudsYAML(strings.NewReader(string(secret.Data["clouds.yaml"]))), clouds.WithCloudName(ref.CloudName))
	if err != nil {
		return nil, fmt.Errorf("clouds.yaml: %w", err)
	}
	auth.AllowReauth = true
	provider, err := openstack.NewClient(auth.IdentityEndpoint)
	if err != nil {
		return nil, err
	}
	// Go keeps two idle connections to a host; with more goroutines than that most requests would connect anew.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.Proxy = nil
	provider.HTTPClient = http.Client{Transport: transport}
	if err := openstack.Authenticate(ctx, provider, auth); err != nil {
		return nil, err
	}
	heat, err := openstack.NewOrchestrationV1(provider, endpoint)
	if err != nil {
		return nil, err
	}
	r.clouds[key] = &cloud{secret.ResourceVersion, heat}
	return heat, nil
}
