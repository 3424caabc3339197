{{/*
Every right that exists, by the bundle that brings it. A new right is one word here: it gets the
ClusterRoles netdiag-pods-RIGHT and netdiag-nodes-RIGHT.

basic: looks, at a modest speed. full: also what can burden a network; netdiag-operator has it.
apart: in no bundle, since it reads what others wrote; bound by hand.

files is basic: it shows a source's resolv.conf and hosts file and no other, which say little more
than the pod's spec, and without it dns could not show how a pod resolves.

listen is full: whoever has it can take a port of a pod, and what is sent there.

http is full: whoever has it sends any request with the pod's address and standing. What a server
answers beyond status and fields is http-body, which is apart.

processes is full: which programs run in a pod, with their PIDs, is more than what its sockets are.
*/}}
{{- define "netdiag.rights" -}}
basic: [ping, trace, dns, connect, tls, sockets, files]
full: [fast-ping, listen, http, scan, processes]
apart: [http-body]
{{- end -}}

{{/* One ClusterRole that gives one right; dict "right", "resource", "bundles", "root". */}}
{{- define "netdiag.rightRole" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: netdiag-{{ .resource }}-{{ .right }}
  labels:
    {{- include "netdiag.labels" .root | nindent 4 }}
    {{- range .bundles }}
    netdiag.dev/aggregate-to-{{ $.resource }}-{{ . }}: "true"
    {{- end }}
rules:
  - apiGroups: [netdiag.dev]
    resources: [{{ .resource }}/{{ .right }}]
    verbs: [create]
{{- end -}}

{{/* Fails on a tenant's right that is neither a right nor a bundle; dict "right", "namespace". */}}
{{- define "netdiag.checkRight" -}}
{{- $rights := include "netdiag.rights" . | fromYaml -}}
{{- $known := concat (list "basic" "full") $rights.basic $rights.full $rights.apart -}}
{{- if not (has .right $known) -}}
{{- fail (printf "tenants: %s: no right %q; there are %s" .namespace .right (join ", " $known)) -}}
{{- end -}}
{{- end -}}
