{{/*
What lets people act as a ServiceAccount of "namespace": mint its token there, reach the agents.
dict "root", "prefix" of the bindings' names, "namespace", "who" with users and groups.
*/}}
{{- define "netdiag.callers" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .prefix }}-mint
  namespace: {{ .namespace }}
  labels:
    {{- include "netdiag.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: netdiag-mint
subjects:
  {{- include "netdiag.people" .who | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .prefix }}-reach
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "netdiag.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: netdiag-reach
subjects:
  {{- include "netdiag.people" .who | nindent 2 }}
{{- end -}}

{{- define "netdiag.people" -}}
{{- $people := list -}}
{{- range .users -}}
{{- $people = append $people (dict "apiGroup" "rbac.authorization.k8s.io" "kind" "User" "name" .) -}}
{{- end -}}
{{- range .groups -}}
{{- $people = append $people (dict "apiGroup" "rbac.authorization.k8s.io" "kind" "Group" "name" .) -}}
{{- end -}}
{{- toYaml $people -}}
{{- end -}}
