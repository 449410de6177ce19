{{/* The labels that every object has alike. */}}
{{- define "gameday-namespace.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: gameday
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: account
app.kubernetes.io/part-of: gameday
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
