package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

// HeatStack has those fields of the project's CustomResourceDefinition that this operator knows.
type HeatStack struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HeatStackSpec   `json:"spec"`
	Status            HeatStackStatus `json:"status,omitempty"`
}

type HeatStackSpec struct {
	CloudCredentialsRef struct {
		SecretName string `json:"secretName"`
		CloudName  string `json:"cloudName"`
	} `json:"cloudCredentialsRef"`
	Template struct {
		Inline string `json:"inline,omitempty"`
	} `json:"template"`
	Parameters map[string]string `json:"parameters,omitempty"`
}

type HeatStackStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	ID                 string             `json:"id,omitempty"`
	StackName          string             `json:"stackName,omitempty"`
	StackStatus        string             `json:"stackStatus,omitempty"`
	StackStatusReason  string             `json:"stackStatusReason,omitempty"`
	// What Heat was sent last.
	AttemptedDigest string     `json:"attemptedDigest,omitempty"`
	Outputs         []Output   `json:"outputs,omitempty"`
	Resources       []Resource `json:"resources,omitempty"`
}

type Output struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

type Resource struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Status     string `json:"status"`
	PhysicalID string `json:"physicalResourceID,omitempty"`
}

type HeatStackList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HeatStack `json:"items"`
}

func (in *HeatStack) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	if in.Spec.Parameters != nil {
		out.Spec.Parameters = make(map[string]string, len(in.Spec.Parameters))
		for name, value := range in.Spec.Parameters {
			out.Spec.Parameters[name] = value
		}
	}
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	out.Status.Outputs = append([]Output(nil), in.Status.Outputs...)
	out.Status.Resources = append([]Resource(nil), in.Status.Resources...)
	return &out
}

func (in *HeatStackList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = make([]HeatStack, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopyObject().(*HeatStack)
	}
	return &out
}

var schemeBuilder = &scheme.Builder{GroupVersion: schema.GroupVersion{Group: "heatstack.dev", Version: "v1alpha1"}}

func init() {
	schemeBuilder.Register(&HeatStack{}, &HeatStackList{})
}
