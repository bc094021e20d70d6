{{/* Name of all objects of the release: the release's, with the chart's unless that is in it already. */}}
{{- define "heatstack-operator.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "heatstack-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "heatstack-operator.labels" -}}
{{ include "heatstack-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{- define "heatstack-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Name of the Lease of all replicas that work on the same HeatStacks, as the operator makes it by itself. */}}
{{- define "heatstack-operator.leaseName" -}}
{{- if .Values.leaderElection.leaseName -}}
{{- .Values.leaderElection.leaseName -}}
{{- else if .Values.watchLabelSelector -}}
{{- printf "heatstack-operator-%s" (.Values.watchLabelSelector | sha256sum | trunc 8) -}}
{{- else -}}
heatstack-operator
{{- end -}}
{{- end -}}

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
