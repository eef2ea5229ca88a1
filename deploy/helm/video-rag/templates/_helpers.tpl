{{- define "video-rag.selector" -}}
app.kubernetes.io/name: video-rag
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "video-rag.labels" -}}
app.kubernetes.io/name: video-rag
app.kubernetes.io/part-of: video-rag
{{- end }}

{{- define "video-rag.image" -}}
{{ .root.Values.image.repository }}:{{ index .root.Values.image .which }}
{{- end }}

{{- /* What every pod has: no rights, no token of the cluster. */ -}}
{{- define "video-rag.pod" -}}
serviceAccountName: video-rag
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* What every container has. `machine` is its name in `[pipeline] host`. */ -}}
{{- define "video-rag.container" -}}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: video-rag-settings}
env:
  - {name: VIDEO_RAG_HOME, value: /app/data}
  - {name: VIDEO_RAG_SECRETS_DIR, value: /run/secrets/video-rag}
  - {name: VIDEO_RAG_PIPELINE__HOST, value: {{ .machine }}}
  - {name: HOME, value: /tmp}
  - {name: HF_HOME, value: /app/data/models}
volumeMounts:
  - {name: home, mountPath: /app/data}
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/video-rag, readOnly: true}
{{- end }}

{{- define "video-rag.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 2Gi}
- name: secrets
  secret: {secretName: {{ .Values.secret }}, defaultMode: 0440, optional: true}
{{- end }}

{{- /* The crew's processes are looked for: the one that keeps them would start dead ones anew. */ -}}
{{- define "video-rag.workerProbes" -}}
startupProbe:
  exec: {command: [sh, -c, "grep -qs [s]pawn_main /proc/[0-9]*/cmdline"]}
  periodSeconds: 5
  failureThreshold: 60
readinessProbe:
  exec: {command: [sh, -c, "grep -qs [s]pawn_main /proc/[0-9]*/cmdline"]}
  periodSeconds: 20
livenessProbe:
  exec: {command: [sh, -c, "grep -qs [s]pawn_main /proc/[0-9]*/cmdline"]}
  periodSeconds: 60
  failureThreshold: 10
{{- end }}

{{- define "video-rag.serve" -}}
- name: serve
  image: {{ include "video-rag.image" (dict "root" .root "which" "cpu") }}
  command: [video-rag, serve]
  ports:
    - {name: http, containerPort: 8420}
  startupProbe:
    httpGet: {path: /health/live, port: http}
    periodSeconds: 2
    failureThreshold: 60
  readinessProbe:
    httpGet: {path: /health/ready, port: http}
    periodSeconds: 10
    timeoutSeconds: 6
  livenessProbe:
    httpGet: {path: /health/live, port: http}
    periodSeconds: 15
    timeoutSeconds: 5
  lifecycle:
    preStop: {sleep: {seconds: 5}}
  resources: {{- toYaml .root.Values.serve.resources | nindent 4 }}
  {{- include "video-rag.container" . | nindent 2 }}
{{- end }}

{{- /* A pod of a CronJob: with the host's volume beside the host, or with nothing of its own. */ -}}
{{- define "video-rag.job" -}}
metadata:
  labels:
    {{- include "video-rag.selector" (dict "component" .name) | nindent 4 }}
    app.kubernetes.io/part-of: video-rag
    reaches-internet: "true"
    {{- if .root.Values.cluster }}
    reaches-backends: "true"
    {{- end }}
spec:
  {{- include "video-rag.pod" .root | nindent 2 }}
  restartPolicy: Never
  {{- if .beside }}
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "video-rag.selector" (dict "component" "host") | nindent 14 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "video-rag.image" (dict "root" .root "which" .image) }}
      command: {{ toJson .command }}
      resources: {{- toYaml .resources | nindent 8 }}
      {{- include "video-rag.container" (dict "root" .root "machine" (ternary "video-rag-host" "video-rag-clock" .beside)) | nindent 6 }}
        {{- if .backups }}
        - {name: backups, mountPath: /app/backups}
        {{- end }}
  volumes:
    - name: home
      {{- if .beside }}
      persistentVolumeClaim: {claimName: home-video-rag-host-0}
      {{- else }}
      emptyDir: {sizeLimit: 2Gi}
      {{- end }}
    {{- include "video-rag.volumes" .root | nindent 4 }}
    {{- if .backups }}
    - name: backups
      persistentVolumeClaim: {claimName: video-rag-backups}
    {{- end }}
{{- end }}
