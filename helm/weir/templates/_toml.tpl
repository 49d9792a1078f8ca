{{/* A value as TOML. Helm reads every number as a float, so whole ones are written without a fraction. Strings of JSON are
     strings of TOML. */}}
{{- define "weir.toml.value" -}}
{{- if kindIs "map" . -}}
{{- $items := list -}}
{{- range $key, $value := . }}{{ $items = append $items (printf "%s = %s" (toJson $key) (include "weir.toml.value" $value)) }}{{ end -}}
{{ "{ " }}{{ join ", " $items }}{{ " }" }}
{{- else if kindIs "slice" . -}}
{{- $items := list -}}
{{- range . }}{{ $items = append $items (include "weir.toml.value" .) }}{{ end -}}
[{{ join ", " $items }}]
{{- else if kindIs "float64" . -}}
{{- if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else if or (kindIs "int" .) (kindIs "int64" .) (kindIs "bool" .) -}}
{{ . }}
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}

{{/* A table with its fields: [path, map]. Fields that are null are left out. */}}
{{- define "weir.toml.table" -}}
[{{ index . 0 }}]
{{- range $key, $value := index . 1 }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }} = {{ include "weir.toml.value" $value }}
{{- end }}
{{- end }}
{{- end }}
