{{/* The labels that every object has alike. Name and component stand with each object. */}}
{{- define "gameday.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: gameday
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/*
The objects of a file of files/, in the namespace of the release and with the labels of the chart. The file is a copy of what
kustomize applies, so that there is one source: "file", "root", and what to add to each object's metadata, "labels" and
"annotations".
*/}}
{{- define "gameday.objects" -}}
{{- $labels := merge (dict) (default dict .labels) (fromYaml (include "gameday.labels" .root)) -}}
{{- $text := .root.Files.Get .file -}}
{{- if not $text }}{{ fail (printf "the chart has no %s" .file) }}{{ end -}}
{{- range splitList "\n---\n" (replace "gameday-system" .root.Release.Namespace $text) }}
{{- $body := fromYaml . }}
{{- $_ := set $body.metadata "labels" (merge (dict) $labels (default dict $body.metadata.labels)) }}
{{- with $.annotations }}
{{- $_ := set $body.metadata "annotations" . }}
{{- end }}
---
{{ toYaml $body }}
{{- end }}
{{- end }}

{{- define "gameday.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/*
A value as it is written. Helm reads the numbers of a values file as floating point: printed by itself, 1000660000 is
1.00066e+09, in JSON it is 1000660000.
*/}}
{{- define "gameday.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if not (kindIs "invalid" .) }}{{ toJson . }}{{ end -}}
{{- end }}

{{/* The operator reads quantities as strings; a values file may write `cpu: 1`, as a pod may. */}}
{{- define "gameday.resources" -}}
{{- $found := dict }}
{{- range $part, $amounts := . }}
{{- $texts := dict }}
{{- range $name, $amount := $amounts }}
{{- $_ := set $texts $name (include "gameday.text" $amount) }}
{{- end }}
{{- $_ := set $found $part $texts }}
{{- end }}
{{- toJson $found -}}
{{- end }}
