{{/* The operator's flags. */}}
{{- define "heatstack-operator.args" -}}
- {{ printf "--operator-namespace=%s" (include "heatstack-operator.operatorNamespace" .) | toJson }}
{{- if .Values.kubeconfig.secretName }}
- --kubeconfig=/etc/heatstack-operator/kubeconfig/kubeconfig
{{- with .Values.kubeconfig.context }}
- {{ printf "--context=%s" . | toJson }}
{{- end }}
{{- end }}
{{- range .Values.watchNamespaces }}
- {{ printf "--namespace=%s" . | toJson }}
{{- end }}
{{- with .Values.clusterID }}
- {{ printf "--cluster-id=%s" . | toJson }}
{{- end }}
{{- with .Values.watchLabelSelector }}
- {{ printf "--watch-label-selector=%s" . | toJson }}
{{- end }}
{{- with .Values.leaderElection }}
- {{ printf "--leader-elect=%t" .enabled | toJson }}
{{- if .enabled }}
- {{ include "heatstack-operator.leaseName" $ | printf "--lease-name=%s" | toJson }}
- {{ printf "--lease-duration=%s" .leaseDuration | toJson }}
- {{ printf "--renew-deadline=%s" .renewDeadline | toJson }}
- {{ printf "--retry-period=%s" .retryPeriod | toJson }}
{{- end }}
{{- end }}
- {{ printf "--shutdown-timeout=%s" .Values.shutdownTimeout | toJson }}
{{- range .Values.allowedEndpoints }}
- {{ printf "--allowed-endpoints=%s" . | toJson }}
{{- end }}
{{- range .Values.refusedEndpoints }}
- {{ printf "--refused-endpoints=%s" . | toJson }}
{{- end }}
- {{ printf "--output-objects=%t" .Values.outputObjects.enabled | toJson }}
- {{ printf "--protect-credentials=%t" .Values.protectCredentials | toJson }}
{{- with .Values.watchConfigsLabelSelector }}
- {{ printf "--watch-configs-label-selector=%s" . | toJson }}
{{- end }}
{{- range .Values.secretNames }}
- {{ printf "--secret-names=%s" . | toJson }}
{{- end }}
- {{ printf "--events=%t" .Values.events | toJson }}
- {{ printf "--concurrency=%d" (int .Values.concurrency) | toJson }}
- {{ printf "--heat-concurrency=%d" (int .Values.heatConcurrency) | toJson }}
- {{ printf "--heat-rate=%d" (int .Values.heatRate) | toJson }}
- {{ printf "--progress-interval=%s" .Values.progressInterval | toJson }}
- {{ printf "--operation-grace=%s" .Values.operationGrace | toJson }}
- {{ printf "--health-address=:%d" (int .Values.ports.health) | toJson }}
{{- if .Values.metrics }}
- {{ printf "--metrics-address=:%d" (int .Values.ports.metrics) | toJson }}
{{- end }}
- {{ printf "--log-level=%s" .Values.logLevel | toJson }}
- {{ printf "--log-format=%s" .Values.logFormat | toJson }}
{{- end -}}

{{/* The variables of its container. */}}
{{- define "heatstack-operator.env" -}}
{{- with .Values.nodeOptions }}
- name: NODE_OPTIONS
  value: {{ toJson . }}
{{- end }}
{{- with .Values.caBundle }}
{{- if or .configMapName .secretName }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/heatstack-operator/ca/ca.crt
{{- end }}
{{- end }}
{{- with .Values.proxy }}
{{- range $name, $value := dict "HTTPS_PROXY" .httpsProxy "HTTP_PROXY" .httpProxy "NO_PROXY" .noProxy }}
{{- if $value }}
- name: {{ $name }}
  value: {{ toJson $value }}
{{- else if $.Values.proxy.secretName }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.proxy.secretName | quote }}
      key: {{ $name }}
      optional: true
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "heatstack-operator.volumes" -}}
{{- with .Values.kubeconfig }}
{{- if .secretName }}
- name: kubeconfig
  secret:
    secretName: {{ .secretName | quote }}
    items: [{ key: {{ .key | quote }}, path: kubeconfig }]
{{- end }}
{{- end }}
{{- with .Values.caBundle }}
{{- if .configMapName }}
- name: ca
  configMap:
    name: {{ .configMapName | quote }}
    items: [{ key: {{ .key | quote }}, path: ca.crt }]
{{- else if .secretName }}
- name: ca
  secret:
    secretName: {{ .secretName | quote }}
    items: [{ key: {{ .key | quote }}, path: ca.crt }]
{{- end }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "heatstack-operator.volumeMounts" -}}
{{- if .Values.kubeconfig.secretName }}
- name: kubeconfig
  mountPath: /etc/heatstack-operator/kubeconfig
  readOnly: true
{{- end }}
{{- if or .Values.caBundle.configMapName .Values.caBundle.secretName }}
- name: ca
  mountPath: /etc/heatstack-operator/ca
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the containers of the operator and of `helm test` have in common. */}}
{{- define "heatstack-operator.container" -}}
image: {{ include "heatstack-operator.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with include "heatstack-operator.env" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "heatstack-operator.volumeMounts" . | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* What their pods have in common. */}}
{{- define "heatstack-operator.pod" -}}
serviceAccountName: {{ include "heatstack-operator.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ ternary true false (eq (include "heatstack-operator.isForThisCluster" .) "true") }}
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
dnsPolicy: {{ .Values.dnsPolicy }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "heatstack-operator.volumes" . | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- range $field := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" }}
{{- with index $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}
