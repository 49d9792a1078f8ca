{{/* What a schema cannot say, told in words before anything is made. */}}
{{- define "weir.checks" -}}
{{- $values := .Values -}}
{{- if include "weir.isEmbedded" . -}}
  {{- if ne (int $values.replicas) 1 -}}
    {{- fail (printf "replicas: %d, but the embedded store belongs to one process: keep `replicas: 1`, or set `store.kind: postgres`" (int $values.replicas)) -}}
  {{- end -}}
  {{- if $values.autoscaling.enabled -}}
    {{- fail "autoscaling.enabled: the embedded store belongs to one process: set `store.kind: postgres` to run several" -}}
  {{- end -}}
  {{- if $values.bundled.postgres.enabled -}}
    {{- fail "bundled.postgres.enabled: nothing would use it: set `store.kind: postgres` too" -}}
  {{- end -}}
{{- else -}}
  {{- if and $values.bundled.postgres.enabled $values.store.postgres.existingSecret -}}
    {{- fail "store.postgres.existingSecret and bundled.postgres.enabled: two databases; keep one of them" -}}
  {{- end -}}
  {{- if not (or $values.bundled.postgres.enabled $values.store.postgres.existingSecret) -}}
    {{- fail "store.postgres.existingSecret: name the Secret that holds `postgres://user:password@host/database`, or try Weir out with `bundled.postgres.enabled: true`" -}}
  {{- end -}}
  {{- if and $values.autoscaling.enabled (gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
    {{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
  {{- end -}}
{{- end -}}
{{- $auth := $values.config.auth | default dict -}}
{{- if and (eq $values.auth.anonymous "never") (not $auth) -}}
  {{- fail "auth.anonymous: nobody could call this catalog: configure who may in `config.auth`, or open it to everybody who reaches it with `auth.anonymous: anywhere`" -}}
{{- end -}}
{{- range list "server.listen" "server.tls" "server.base_url" "server.shutdown_drain_s" "server.shutdown_grace_s" "metrics.listen" "metrics.enabled" "store.url" "store.read_url" "store.pooler_mode" "store.connections_max" "store.migrate_at_start" "auth.anonymous" "plugins.load" "plugins.folder" "plugins.watch_ms" "plugins.cache_folder" -}}
  {{- $path := splitList "." . -}}
  {{- $section := index $values.config (first $path) | default dict -}}
  {{- if not (kindIs "map" $section) -}}
    {{- fail (printf "config.%s: a section of weir.toml is a map" (first $path)) -}}
  {{- end -}}
  {{- if hasKey $section (last $path) -}}
    {{- fail (printf "config.%s: the chart sets this field from its own values; helm/README.md names them" .) -}}
  {{- end -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) -}}
  {{- fail "ingress.hosts: name the hosts that the Ingress answers to" -}}
{{- end -}}
{{- if and $values.gateway.enabled (not $values.gateway.parentRefs) -}}
  {{- fail "gateway.parentRefs: name the Gateway that the HTTPRoute belongs to" -}}
{{- end -}}
{{- include "weir.pluginChecks" . -}}
{{- end }}

{{- define "weir.pluginChecks" -}}
{{- $names := dict -}}
{{- $total := 0 -}}
{{- range .Values.plugins -}}
  {{- $at := printf "plugins: `%s`" .name -}}
  {{- if hasKey $names .name -}}
    {{- fail (printf "%s is there twice" $at) -}}
  {{- end -}}
  {{- $_ := set $names .name true -}}
  {{- if ne (len (keys .source)) 1 -}}
    {{- fail (printf "%s: `source` takes exactly one of builtin, inline, configMaps, image, initContainer, persistentVolumeClaim, url; found %s" $at (keys .source | sortAlpha | join ", " | default "none")) -}}
  {{- end -}}
  {{- if and .source.url (not .sha256) -}}
    {{- fail (printf "%s: a plugin that is fetched by its URL needs its `sha256`" $at) -}}
  {{- end -}}
  {{- if and .settings .settingsFrom -}}
    {{- fail (printf "%s: `settings` or `settingsFrom`, not both" $at) -}}
  {{- end -}}
  {{- with .source.inline -}}
    {{- $bytes := b64dec .data | len -}}
    {{- if or (hasPrefix "illegal base64" (b64dec .data)) (eq $bytes 0) -}}
      {{- fail (printf "%s: `source.inline.data` is not base64: `base64 -w0 plugin.wasm.gz` makes it" $at) -}}
    {{- end -}}
    {{- $total = add $total $bytes -}}
  {{- end -}}
{{- end -}}
{{- if gt (int $total) (int .Values.pluginDefaults.inlineBytesMax) -}}
  {{- fail (printf "plugins: the inline plugins have %d bytes together, more than the %d of `pluginDefaults.inlineBytesMax` that fit into Helm's release beside the rest: make their ConfigMaps with helm/plugin-configmaps.sh, then name them in `source.configMaps`" (int $total) (int .Values.pluginDefaults.inlineBytesMax)) -}}
{{- end -}}
{{- end }}
