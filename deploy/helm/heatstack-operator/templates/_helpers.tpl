{{/* What the app.kubernetes.io/name label says. */}}
{{- define "heatstack-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{/* Name of all objects of the release: the release's, with the chart's unless that is in it already. */}}
{{- define "heatstack-operator.fullname" -}}
{{- $name := include "heatstack-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "heatstack-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "heatstack-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of the pod of `helm test`; another name, so that no selector takes it for an operator. */}}
{{- define "heatstack-operator.checkLabels" -}}
app.kubernetes.io/name: {{ include "heatstack-operator.name" . }}-check
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of all objects; the chart's own win. */}}
{{- define "heatstack-operator.labels" -}}
{{- $own := include "heatstack-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- merge $own .Values.commonLabels | toYaml -}}
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

{{- define "heatstack-operator.serviceAccountName" -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false, so serviceAccount.name must be set: the namespace's default account must not have the operator's rights" -}}
{{- end -}}
{{- default (include "heatstack-operator.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Namespace of the operator's key and Lease. */}}
{{- define "heatstack-operator.operatorNamespace" -}}
{{- default .Release.Namespace .Values.operatorNamespace -}}
{{- end -}}

{{/* Whether the HeatStacks are in this cluster, so that rights and definition are needed here: "true" or nothing. */}}
{{- define "heatstack-operator.isForThisCluster" -}}
{{- if not .Values.kubeconfig.secretName }}true{{ end -}}
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

{{/* A duration in seconds. */}}
{{- define "heatstack-operator.seconds" -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|s|m|h)" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit)) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/* Refuses values that are well each by itself, and not together. */}}
{{- define "heatstack-operator.check" -}}
{{- $v := .Values -}}
{{- if and $v.watchNamespaces (not $v.clusterID) -}}
{{- fail "watchNamespaces is set, so clusterID must be set as well: the operator may not read the namespace kube-system then, whose uid it takes otherwise. Print that with: kubectl get namespace kube-system -o jsonpath={.metadata.uid}" -}}
{{- end -}}
{{- if and (gt (int $v.replicas) 1) (not $v.leaderElection.enabled) -}}
{{- fail "replicas is more than 1, so leaderElection.enabled must be true: only one replica may work at a time" -}}
{{- end -}}
{{- if lt (float64 $v.terminationGracePeriodSeconds) (addf (include "heatstack-operator.seconds" $v.shutdownTimeout) 15) -}}
{{- fail "terminationGracePeriodSeconds must be at least 15 more than shutdownTimeout: after that time Events are written and the Lease is given up" -}}
{{- end -}}
{{- with $v.leaderElection -}}
{{- $deadline := include "heatstack-operator.seconds" .renewDeadline | float64 -}}
{{- if ge $deadline (include "heatstack-operator.seconds" .leaseDuration | float64) -}}
{{- fail "leaderElection.renewDeadline must be shorter than leaderElection.leaseDuration" -}}
{{- end -}}
{{- if ge (mulf (include "heatstack-operator.seconds" .retryPeriod) 1.2) $deadline -}}
{{- fail "leaderElection.renewDeadline must be longer than leaderElection.retryPeriod and a fifth of it" -}}
{{- end -}}
{{- end -}}
{{- if eq (int $v.ports.metrics) (int $v.ports.health) -}}
{{- fail "ports.metrics and ports.health must differ" -}}
{{- end -}}
{{- if and $v.caBundle.configMapName $v.caBundle.secretName -}}
{{- fail "caBundle.configMapName and caBundle.secretName are both set: name one" -}}
{{- end -}}
{{- if and $v.proxy.secretName (or $v.proxy.httpsProxy $v.proxy.httpProxy $v.proxy.noProxy) -}}
{{- fail "proxy.secretName takes the place of proxy.httpsProxy, proxy.httpProxy and proxy.noProxy: set either" -}}
{{- end -}}
{{- $names := dict -}}
{{- range include "heatstack-operator.env" . | fromYamlArray -}}
{{- if hasKey $names .name -}}
{{- fail (printf "the variable %s is in env twice, or in env and set by another value (nodeOptions, caBundle, proxy): Kubernetes would take the last" .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- end -}}
