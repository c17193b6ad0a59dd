{{- define "auricle.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "auricle.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "auricle.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "auricle.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "auricle.selector" -}}
app.kubernetes.io/name: {{ include "auricle.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "auricle.labels" -}}
{{ include "auricle.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "auricle.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default (ternary "cuda" "cpu" .Values.gpu.enabled) }}
{{- end -}}

{{- define "auricle.cacheClaim" -}}
{{- .Values.modelCache.existingClaim | default (printf "%s-models" (include "auricle.fullname" .)) -}}
{{- end -}}

{{/* A server has ended at most 4 seconds after its drain; 6 more are for a busy node. */}}
{{- define "auricle.gracePeriod" -}}
{{- add (ceil .Values.server.preStopSeconds) (ceil .Values.server.drainSeconds) 10 -}}
{{- end -}}

{{- define "auricle.serviceAccount" -}}
{{- ternary (include "auricle.fullname" .) "default" .Values.serviceAccount.create -}}
{{- end -}}

{{- define "auricle.autoscaled" -}}
{{- if and .Values.autoscaling.hpa.enabled .Values.autoscaling.keda.enabled -}}
{{- fail "autoscaling: enable hpa or keda, not both" -}}
{{- end -}}
{{- if or .Values.autoscaling.hpa.enabled .Values.autoscaling.keda.enabled -}}true{{- end -}}
{{- end -}}

{{- define "auricle.checkAuth" -}}
{{- $given := list -}}
{{- if .Values.auth.keysFileSecret }}{{ $given = append $given "keysFileSecret" }}{{ end -}}
{{- if .Values.auth.keysSecret }}{{ $given = append $given "keysSecret" }}{{ end -}}
{{- if .Values.auth.none }}{{ $given = append $given "none" }}{{ end -}}
{{- if ne (len $given) 1 -}}
{{- fail (printf "auth: set one of keysFileSecret, keysSecret and none; set are: %s" (join ", " $given | default "none of them")) -}}
{{- end -}}
{{- end -}}

{{/* What does not hold after the pod has got its place. The more stays as it is, the fewer calls move. */}}
{{- define "auricle.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Percent, value: 50, periodSeconds: 60}
    - {type: Pods, value: 2, periodSeconds: 60}
scaleDown:
  stabilizationWindowSeconds: 900
  policies:
    - {type: Pods, value: 1, periodSeconds: {{ max 300 (include "auricle.gracePeriod" . | int) }}}
{{- end -}}

{{- define "auricle.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: models, mountPath: /models}
{{- end -}}

{{- define "auricle.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Helm reads numbers as floating point, and would write 2097152 as 2.097152e+06. */}}
{{- define "auricle.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}

{{- /* The models as AURICLE_MODEL names them. */ -}}
{{- define "auricle.model" -}}
{{- $parts := list -}}
{{- range .Values.models -}}
{{- $parts = append $parts (printf "%s=%s" .name .source) -}}
{{- range $name, $value := omit . "name" "source" -}}
{{- $parts = append $parts (printf "%s=%s" (kebabcase $name) (include "auricle.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- $parts | join "," | default .Values.model -}}
{{- end -}}
