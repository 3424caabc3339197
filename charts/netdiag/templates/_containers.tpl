{{/* The two containers of an agent: front speaks, broker has the capabilities. */}}

{{- define "netdiag.front" -}}
- name: front
  image: {{ include "netdiag.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/netdiag-agent, front]
  args:
    {{- with .Values.apiServer }}
    - --api-server={{ . }}
    {{- end }}
    {{- with .Values.limits }}
    - --max-duration={{ .duration }}
    - --max-running={{ .running }}
    - --max-per-token={{ .perToken }}
    - --max-per-account={{ .perServiceAccount }}
    - --rate={{ .rate }}
    - --burst={{ .burst }}
    {{- with .scan }}
    - --scan-ports={{ .ports }}
    - --scan-hosts={{ .hosts }}
    - --scan-discovery={{ .discovery }}
    - --scan-rate={{ .rate }}
    {{- end }}
    {{- end }}
  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: POD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    - name: POD_UID
      valueFrom:
        fieldRef:
          fieldPath: metadata.uid
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
  {{- include "netdiag.probes" . | nindent 2 }}
  resources:
    {{- toYaml .Values.resources.front | nindent 4 }}
  volumeMounts:
    - name: run
      mountPath: /run/netdiag
      readOnly: true
    - name: api-token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
{{- end -}}

{{- define "netdiag.broker" -}}
- name: broker
  image: {{ include "netdiag.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/netdiag-agent, broker]
  {{- with .Values.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsUser: 0
    runAsGroup: 0
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      # setns; reading other pods' ns/net; raw sockets; dropping workers to uid 65533; killing them.
      add: [SYS_ADMIN, SYS_PTRACE, NET_RAW, SETUID, SETGID, KILL]
    # The default profile and type keep a process from reading /proc of other containers.
    appArmorProfile:
      type: Unconfined
    seLinuxOptions:
      type: spc_t
  resources:
    {{- toYaml .Values.resources.broker | nindent 4 }}
  volumeMounts:
    - name: run
      mountPath: /run/netdiag
{{- end -}}

{{/* An exec probe is a round trip through the runtime, so the lasting one is seldom. */}}
{{- define "netdiag.probes" -}}
startupProbe:
  exec:
    command: [/netdiag-agent, live]
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 30
livenessProbe:
  exec:
    command: [/netdiag-agent, live]
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}
