{{/* The pod that serves, the same in a Deployment and in a StatefulSet. */}}
{{- define "weir.pod" -}}
{{- $values := .Values -}}
metadata:
  labels:
    {{- include "weir.labels" (list . "server") | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Another configuration means other pods. Plugins in ConfigMaps are not part of it: they are swapped without a restart.
    checksum/config: {{ include "weir.config" . | sha256sum }}
    kubectl.kubernetes.io/default-container: weir
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "weir.serviceAccountName" . }}
  automountServiceAccountToken: {{ $values.serviceAccount.automountToken }}
  enableServiceLinks: false
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  # Readiness drops, requests under way finish, then background work: both graces follow each other.
  terminationGracePeriodSeconds: {{ add $values.server.drainSeconds (mul 2 $values.server.graceSeconds) 5 }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with $values.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "weir.selector" (list $ "server") | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- $first := include "weir.initContainers" . | trim }}
  {{- with $first }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: weir
      {{- include "weir.container" (list . "serve") | nindent 6 }}
      ports:
        - {name: http, containerPort: 8181}
        {{- if $values.metrics.enabled }}
        - {name: metrics, containerPort: 9181}
        {{- end }}
      {{- range $probe, $path := dict "startupProbe" "/health/live" "livenessProbe" "/health/live" "readinessProbe" "/health/ready" }}
      {{ $probe }}:
        httpGet:
          path: {{ $path }}
          port: http
          scheme: {{ ternary "HTTPS" "HTTP" (ne $values.server.tlsSecret "") }}
        {{- toYaml (index $values $probe) | nindent 8 }}
      {{- end }}
    {{- with $values.sidecars }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "weir.volumes" . | trim | nindent 4 }}
{{- end }}

{{- define "weir.initContainers" -}}
{{- with .Values.extraInitContainers }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- include "weir.pluginInitContainers" . }}
{{- if not (include "weir.isEmbedded" .) }}
- name: wait
  {{- include "weir.container" (list . "wait" "store" "--timeout" (toString .Values.migration.waitSeconds)) | nindent 2 }}
- name: migrate
  {{- if .Values.migration.initContainer }}
  {{- include "weir.container" (list . "migrate") | nindent 2 }}
  {{- else }}
  {{- include "weir.container" (list . "wait" "schema" "--timeout" (toString .Values.migration.waitSeconds)) | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A container of the image: [root, words of the command line…]. */}}
{{- define "weir.container" -}}
{{- $root := index . 0 -}}
{{- $values := $root.Values -}}
image: {{ include "weir.image" $root }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args: {{ rest . | toJson }}
env:
  - {name: WEIR_CONFIG, value: /etc/weir/config/weir.toml}
  {{- include "weir.secretEnv" $root | nindent 2 }}
  {{- with $values.extraEnv }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $values.containerSecurityContext | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/weir/config, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  - {name: cache, mountPath: /var/cache/weir}
  {{- if include "weir.isEmbedded" $root }}
  - {name: data, mountPath: /var/lib/weir}
  {{- end }}
  {{- if $values.server.tlsSecret }}
  - {name: tls, mountPath: /etc/weir/tls, readOnly: true}
  {{- end }}
  {{- include "weir.secretFiles" (list $root "mounts") | nindent 2 }}
  {{- include "weir.pluginMounts" $root | nindent 2 }}
  {{- with $values.extraVolumeMounts }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "weir.volumes" -}}
- name: config
  configMap: {name: {{ include "weir.fullname" . }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: cache
  emptyDir: {sizeLimit: {{ .Values.pluginDefaults.cacheSize }}}
{{- if include "weir.isEmbedded" . }}
{{- with .Values.store.embedded.existingClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- end }}
{{- with .Values.server.tlsSecret }}
- name: tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- include "weir.secretFiles" (list . "volumes") }}
{{- include "weir.pluginVolumes" . }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}
