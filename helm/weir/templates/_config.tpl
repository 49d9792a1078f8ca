{{/* The sections that follow from the chart's own values, as JSON. */}}
{{- define "weir.ownConfig" -}}
{{- $values := .Values -}}
{{- $server := dict
    "listen" (printf "%s:8181" $values.server.address)
    "shutdown_drain_s" $values.server.drainSeconds
    "shutdown_grace_s" $values.server.graceSeconds -}}
{{- with $values.server.baseUrl }}{{ $_ := set $server "base_url" . }}{{ end -}}
{{- if $values.server.tlsSecret -}}
  {{- $_ := set $server "tls" (dict "certificate" "/etc/weir/tls/tls.crt" "key" "/etc/weir/tls/tls.key") -}}
{{- end -}}
{{- $config := dict
    "server" $server
    "metrics" (dict "enabled" $values.metrics.enabled "listen" (printf "%s:9181" $values.server.address))
    "auth" (dict "anonymous" $values.auth.anonymous)
    "log" (dict "format" "json")
    "plugins" (dict "watch_ms" $values.pluginDefaults.watchMs "cache_folder" "/var/cache/weir/plugins") -}}
{{- if include "weir.isEmbedded" . -}}
  {{- $_ := set $config "store" (dict "url" "sqlite:/var/lib/weir/weir.db") -}}
  {{- $_ := set $config "storage" (dict "local_roots" (list "/var/lib/weir")) -}}
  {{- $_ := set $config "bootstrap" (dict "warehouse_root" "/var/lib/weir/warehouse") -}}
{{- else -}}
  {{- $_ := set $config "store" (dict
      "pooler_mode" $values.store.postgres.poolerMode
      "connections_max" $values.store.postgres.connectionsMax
      "migrate_at_start" false) -}}
  {{- $_ := set $config "storage" (dict "local_roots" list) -}}
  {{- $_ := set $config "bootstrap" (dict "enabled" false) -}}
{{- end -}}
{{ toJson $config }}
{{- end }}

{{/* The whole weir.toml. */}}
{{- define "weir.config" -}}
{{- $config := mustMergeOverwrite (include "weir.ownConfig" . | fromJson) (deepCopy .Values.config) -}}
# Made by the chart; `weir config reference` explains every field.
{{- range $section, $fields := $config }}

{{ include "weir.toml.table" (list $section $fields) }}
{{- end }}
{{- range .Values.plugins }}

{{ include "weir.toml.table" (list (printf "plugins.load.%s" .name) (include "weir.pluginEntry" (list $ .) | fromJson)) }}
{{- end }}
{{ end }}

{{/* The variables by which secrets reach the configuration: as files, so that no environment shows them. */}}
{{- define "weir.secretEnv" -}}
{{- if not (include "weir.isEmbedded" .) }}
- name: WEIR__STORE__URL_FILE
  value: /etc/weir/secrets/store/url
{{- if .Values.store.postgres.readExistingSecret }}
- name: WEIR__STORE__READ_URL_FILE
  value: /etc/weir/secrets/store-read/url
{{- end }}
{{- end }}
{{- range $at, $secret := .Values.configSecrets }}
- name: WEIR__{{ $secret.field | upper | replace "." "__" }}_FILE
  value: /etc/weir/secrets/config-{{ $at }}/value
{{- end }}
{{- end }}

{{/* Their volumes, then their mounts: [root, "volumes" | "mounts"]. */}}
{{- define "weir.secretFiles" -}}
{{- $root := index . 0 -}}
{{- $files := list -}}
{{- if not (include "weir.isEmbedded" $root) -}}
  {{- $files = append $files (dict "name" "store" "secret" (include "weir.storeSecret" $root) "key" (include "weir.storeKey" $root) "path" "url") -}}
  {{- with $root.Values.store.postgres.readExistingSecret -}}
    {{- $files = append $files (dict "name" "store-read" "secret" . "key" $root.Values.store.postgres.readKey "path" "url") -}}
  {{- end -}}
{{- end -}}
{{- range $at, $secret := $root.Values.configSecrets -}}
  {{- $files = append $files (dict "name" (printf "config-%d" $at) "secret" $secret.existingSecret "key" $secret.key "path" "value") -}}
{{- end -}}
{{- range $plugin := $root.Values.plugins -}}
  {{- range $at, $ref := $plugin.secretRefs -}}
    {{- $files = append $files (dict "name" (printf "plugin-%s-%d" $plugin.name $at) "secret" $ref.existingSecret "key" $ref.key "path" "value") -}}
  {{- end -}}
{{- end -}}
{{- if eq (index . 1) "mounts" -}}
{{- range $files }}
- name: secret-{{ .name }}
  mountPath: /etc/weir/secrets/{{ .name }}
  readOnly: true
{{- end }}
{{- else -}}
{{- range $files }}
- name: secret-{{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      - {key: {{ .key | quote }}, path: {{ .path }}}
{{- end }}
{{- end -}}
{{- end }}
