package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/orchestration/v1/stackresources"
	"github.com/gophercloud/gophercloud/v2/openstack/orchestration/v1/stacks"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

const finalizer = "bench.heatstack.dev/stack"

type reconciler struct {
	client.Client
	poll   time.Duration
	clouds map[cloudKey]*cloud
	cloudLock
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	object := &HeatStack{}
	if err := r.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	heat, err := r.heatOf(ctx, object)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !object.DeletionTimestamp.IsZero() {
		return r.delete(ctx, heat, object)
	}
	if !controllerutil.ContainsFinalizer(object, finalizer) {
		before := object.DeepCopyObject().(*HeatStack)
		controllerutil.AddFinalizer(object, finalizer)
		if err := r.Patch(ctx, object, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, err
		}
	}
	return r.apply(ctx, heat, object)
}

// apply brings a stack to what the object says, and its state into the object's status.
func (r *reconciler) apply(ctx context.Context, heat *gophercloud.ServiceClient, object *HeatStack) (ctrl.Result, error) {
	before := object.DeepCopyObject().(*HeatStack)
	status := &object.Status
	digest := digestOf(object)
	name := object.Name
	template := &stacks.Template{TE: stacks.TE{Bin: []byte(object.Spec.Template.Inline)}}
	parameters := make(map[string]any, len(object.Spec.Parameters))
	for name, value := range object.Spec.Parameters {
		parameters[name] = value
	}
	if status.ID == "" {
		created, err := stacks.Create(ctx, heat, stacks.CreateOpts{
			Name: name, TemplateOpts: template, Parameters: parameters, Tags: []string{"bench"},
		}).Extract()
		switch {
		case gophercloud.ResponseCodeIs(err, http.StatusConflict):
			// Of a create whose status wasn't written.
			found, err := stacks.Find(ctx, heat, name).Extract()
			if err != nil {
				return ctrl.Result{}, err
			}
			status.ID = found.ID
		case err != nil:
			return ctrl.Result{}, err
		default:
			status.ID = created.ID
			status.AttemptedDigest = digest
		}
		status.StackName, status.StackStatus = name, "CREATE_IN_PROGRESS"
		return r.report(ctx, before, object, r.poll)
	}

	stack, err := stacks.Get(ctx, heat, name, status.ID).Extract()
	if gophercloud.ResponseCodeIs(err, http.StatusNotFound) || err == nil && stack.Status == "DELETE_COMPLETE" {
		status.ID, status.AttemptedDigest = "", ""
		return r.report(ctx, before, object, time.Millisecond)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if strings.HasSuffix(stack.Status, "_IN_PROGRESS") || status.AttemptedDigest == digest {
		if err := r.observe(ctx, heat, stack, status); err != nil {
			return ctrl.Result{}, err
		}
		if strings.HasSuffix(stack.Status, "_IN_PROGRESS") {
			return r.report(ctx, before, object, r.poll)
		}
		return r.report(ctx, before, object, 0)
	}
	err = stacks.Update(ctx, heat, name, status.ID, stacks.UpdateOpts{
		TemplateOpts: template, Parameters: parameters, Tags: []string{"bench"},
	}).ExtractErr()
	if err != nil {
		return ctrl.Result{}, err
	}
	status.AttemptedDigest, status.StackStatus = digest, "UPDATE_IN_PROGRESS"
	return r.report(ctx, before, object, r.poll)
}

// observe takes over what Heat says of the stack and of its resources.
func (r *reconciler) observe(ctx context.Context, heat *gophercloud.ServiceClient, stack *stacks.RetrievedStack, status *HeatStackStatus) error {
	pages, err := stackresources.List(heat, stack.Name, stack.ID, nil).AllPages(ctx)
	if err != nil {
		return err
	}
	list, err := stackresources.ExtractResources(pages)
	if err != nil {
		return err
	}
	status.StackStatus, status.StackStatusReason = stack.Status, stack.StatusReason
	status.Resources = make([]Resource, 0, len(list))
	for _, each := range list {
		status.Resources = append(status.Resources, Resource{each.Name, each.Type, each.Status, each.PhysicalID})
	}
	status.Outputs = make([]Output, 0, len(stack.Outputs))
	for _, each := range stack.Outputs {
		key, _ := each["output_key"].(string)
		status.Outputs = append(status.Outputs, Output{key, fmt.Sprint(each["output_value"])})
	}
	return nil
}

// report writes the status if it differs, with a condition that says what it means.
func (r *reconciler) report(ctx context.Context, before, object *HeatStack, again time.Duration) (ctrl.Result, error) {
	status := &object.Status
	condition := metav1.Condition{
		Type: "Ready", Status: metav1.ConditionFalse, Reason: "InProgress", Message: status.StackStatus,
		ObservedGeneration: object.Generation,
	}
	switch {
	case strings.HasSuffix(status.StackStatus, "_COMPLETE") && status.AttemptedDigest == digestOf(object):
		condition.Status, condition.Reason = metav1.ConditionTrue, "Complete"
	case strings.HasSuffix(status.StackStatus, "_FAILED"):
		condition.Reason = "Failed"
	}
	meta.SetStatusCondition(&status.Conditions, condition)
	status.ObservedGeneration = object.Generation
	if !reflect.DeepEqual(before.Status, *status) {
		if err := r.Status().Patch(ctx, object, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

func (r *reconciler) delete(ctx context.Context, heat *gophercloud.ServiceClient, object *HeatStack) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(object, finalizer) {
		return ctrl.Result{}, nil
	}
	before := object.DeepCopyObject().(*HeatStack)
	if id := object.Status.ID; id != "" {
		stack, err := stacks.Get(ctx, heat, object.Name, id).Extract()
		gone := gophercloud.ResponseCodeIs(err, http.StatusNotFound) || err == nil && stack.Status == "DELETE_COMPLETE"
		if err != nil && !gone {
			return ctrl.Result{}, err
		}
		if !gone {
			if stack.Status != "DELETE_IN_PROGRESS" {
				if err := stacks.Delete(ctx, heat, object.Name, id).ExtractErr(); err != nil {
					return ctrl.Result{}, err
				}
				object.Status.StackStatus = "DELETE_IN_PROGRESS"
			}
			return r.report(ctx, before, object, r.poll)
		}
	}
	controllerutil.RemoveFinalizer(object, finalizer)
	return ctrl.Result{}, client.IgnoreNotFound(r.Patch(ctx, object, client.MergeFrom(before)))
}

// digestOf tells what the object wants of Heat.
func digestOf(object *HeatStack) string {
	text, _ := json.Marshal([]any{object.Spec.Template, object.Spec.Parameters})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
