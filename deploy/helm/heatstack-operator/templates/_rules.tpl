{{/* Narrows a rule to the Secrets that are named, if any are. */}}
{{- define "heatstack-operator.secretNames" -}}
{{- with .Values.secretNames }}
  resourceNames: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* What the operator may do in the namespaces that it works in; docs/rbac.md says what for. */}}
{{- define "heatstack-operator.rules" -}}
- apiGroups: [heatstack.dev]
  resources: [heatstacks]
  verbs: [get, list, watch, patch]
- apiGroups: [heatstack.dev]
  resources: [heatstacks/status]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets]
  {{- include "heatstack-operator.secretNames" . }}
  verbs: [get, list, watch]
{{- if .Values.outputObjects.enabled }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, update, delete]
- apiGroups: [""]
  resources: [secrets]
  # RBAC can't narrow a create by name.
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  {{- include "heatstack-operator.secretNames" . }}
  verbs: [update, delete]
{{- end }}
{{- if .Values.protectCredentials }}
- apiGroups: [""]
  resources: [secrets]
  {{- include "heatstack-operator.secretNames" . }}
  verbs: [patch]
{{- end }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- if .Values.events }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
{{- end -}}
