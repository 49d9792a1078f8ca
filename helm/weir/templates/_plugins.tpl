{{/* The parts of an inline plugin: {parts: [{file, data, sha256}], manifest}. Base64 is cut at multiples of four
     characters, so every part is base64 by itself. The digest of a pinned plugin stands in the manifest, not in weir.toml:
     both then change together with the bytes, and no pod has to start anew: [root, plugin]. */}}
{{- define "weir.inlineParts" -}}
{{- $root := index . 0 -}}
{{- $plugin := index . 1 -}}
{{- $inline := $plugin.source.inline -}}
{{- $data := $inline.data | replace "\n" "" -}}
{{- $step := mul (div (int $root.Values.pluginDefaults.partBytesMax) 3) 4 | int -}}
{{- $count := div (add (len $data) (sub $step 1)) $step | int -}}
{{- $parts := list -}}
{{- range $at := until $count -}}
  {{- $from := mul $at $step | int -}}
  {{- $to := min (add $from $step) (len $data) | int -}}
  {{- $part := substr $from $to $data -}}
  {{- $file := $inline.file -}}
  {{- if gt $count 1 }}{{ $file = printf "%s.part%d" $inline.file $at }}{{ end -}}
  {{- $parts = append $parts (dict "file" $file "data" $part "sha256" (b64dec $part | sha256sum)) -}}
{{- end -}}
{{- $made := dict "parts" $parts -}}
{{- if and (gt $count 1) (not $plugin.sha256) -}}
  {{- fail (printf "plugins: `%s` is split into %d parts, so its manifest needs `sha256`, that of the component, inflated" $plugin.name $count) -}}
{{- end -}}
{{- if $plugin.sha256 -}}
  {{- $listed := list -}}
  {{- range $parts }}{{ $listed = append $listed (dict "file" .file "sha256" .sha256) }}{{ end -}}
  {{- $_ := set $made "manifest" (dict "sha256" $plugin.sha256 "parts" $listed | toJson) -}}
{{- end -}}
{{ toJson $made }}
{{- end }}

{{/* The `source` of weir.toml: [root, plugin]. */}}
{{- define "weir.pluginSource" -}}
{{- $root := index . 0 -}}
{{- $plugin := index . 1 -}}
{{- $folder := printf "/etc/weir/plugins/%s" $plugin.name -}}
{{- with $plugin.source -}}
{{- if .builtin -}}
builtin:{{ .builtin }}
{{- else if .url -}}
{{ .url }}
{{- else if .inline -}}
{{- $made := include "weir.inlineParts" (list $root $plugin) | fromJson -}}
file:{{ $folder }}/{{ if $made.manifest }}{{ $plugin.name }}.bundle.json{{ else }}{{ .inline.file }}{{ end }}
{{- else if .configMaps -}}
file:{{ $folder }}/{{ .configMaps.file }}
{{- else if .image -}}
file:{{ $folder }}/{{ .image.path | trimPrefix "/" }}
{{- else if .initContainer -}}
file:{{ $folder }}/{{ .initContainer.path | trimPrefix "/" }}
{{- else -}}
file:{{ $folder }}/{{ .persistentVolumeClaim.path | trimPrefix "/" }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* One `[plugins.load.<name>]` as JSON: [root, plugin]. */}}
{{- define "weir.pluginEntry" -}}
{{- $plugin := index . 1 -}}
{{- $entry := dict "source" (include "weir.pluginSource" .) -}}
{{- range $key, $field := dict
    "sha256" "sha256" "mode" "mode" "required" "required" "order" "order" "projects" "projects"
    "warehouses" "warehouses" "settings" "settings" "reveal" "reveal" "egress" "egress"
    "allowPrivate" "allow_private" "minVersion" "min_version" "allowDowngrade" "allow_downgrade" "limits" "limits" -}}
  {{- if and (hasKey $plugin $key) (not (and (eq $key "sha256") $plugin.source.inline)) }}{{ $_ := set $entry $field (index $plugin $key) }}{{ end -}}
{{- end -}}
{{- with $plugin.settingsFrom -}}
  {{- $_ := set $entry "settings_file" (printf "/etc/weir/plugins/%s-settings/%s" $plugin.name .key) -}}
{{- end -}}
{{- $secrets := dict -}}
{{- range $at, $ref := $plugin.secretRefs -}}
  {{- $_ := set $secrets $ref.name (printf "file:/etc/weir/secrets/plugin-%s-%d/value" $plugin.name $at) -}}
{{- end -}}
{{- if $secrets }}{{ $_ := set $entry "secrets" $secrets }}{{ end -}}
{{ toJson $entry }}
{{- end }}

{{/* The volumes of the plugins. Whole folders are mounted, never a `subPath`: that would not follow a changed ConfigMap. */}}
{{- define "weir.pluginVolumes" -}}
{{- range $plugin := .Values.plugins }}
{{- with .source.inline }}
{{- $made := include "weir.inlineParts" (list $ $plugin) | fromJson }}
- name: plugin-{{ $plugin.name }}
  projected:
    sources:
      {{- range $at, $part := $made.parts }}
      - configMap: {name: {{ include "weir.fullname" $ }}-plugin-{{ $plugin.name }}-{{ $at }}}
      {{- end }}
{{- end }}
{{- with .source.configMaps }}
- name: plugin-{{ $plugin.name }}
  projected:
    sources:
      {{- range .names }}
      - configMap: {name: {{ . }}}
      {{- end }}
{{- end }}
{{- with .source.image }}
- name: plugin-{{ $plugin.name }}
  image:
    reference: {{ .reference }}
    pullPolicy: {{ .pullPolicy | default "IfNotPresent" }}
{{- end }}
{{- with .source.initContainer }}
- name: plugin-{{ $plugin.name }}
  emptyDir: {sizeLimit: {{ .sizeLimit | default "256Mi" }}}
{{- end }}
{{- with .source.persistentVolumeClaim }}
- name: plugin-{{ $plugin.name }}
  persistentVolumeClaim: {claimName: {{ .claimName }}, readOnly: true}
{{- end }}
{{- with .settingsFrom }}
- name: settings-{{ $plugin.name }}
  configMap: {name: {{ .configMap }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "weir.pluginMounts" -}}
{{- range .Values.plugins }}
{{- if not (or .source.builtin .source.url) }}
- name: plugin-{{ .name }}
  mountPath: /etc/weir/plugins/{{ .name }}
  readOnly: true
{{- end }}
{{- if .settingsFrom }}
- name: settings-{{ .name }}
  mountPath: /etc/weir/plugins/{{ .name }}-settings
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "weir.pluginInitContainers" -}}
{{- range $plugin := .Values.plugins }}
{{- with .source.initContainer }}
- name: plugin-{{ $plugin.name }}
  image: {{ .image }}
  imagePullPolicy: {{ .pullPolicy | default "IfNotPresent" }}
  {{- with .command }}
  command: {{ toJson . }}
  {{- end }}
  {{- with .args }}
  args: {{ toJson . }}
  {{- end }}
  securityContext:
    {{- toYaml $.Values.containerSecurityContext | nindent 4 }}
  resources:
    {{- toYaml (.resources | default $.Values.resources) | nindent 4 }}
  volumeMounts:
    - {name: plugin-{{ $plugin.name }}, mountPath: /plugin}
{{- end }}
{{- end }}
{{- end }}
