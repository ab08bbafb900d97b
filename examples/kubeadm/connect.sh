#!/bin/sh
# Says what the caller may, and registers the cluster of the current kubeconfig context; what is given besides goes to `edge-sts cluster connect`.
set -eu
${EDGE_STS:-npx edge-sts} apply -f "$(dirname "$0")/edge-sts.yaml"
${EDGE_STS:-npx edge-sts} cluster connect cluster-one --project my-project \
  --cluster-uri https://clusters.example.com/one \
  --namespace shop --service-account checkout --resource https://orders.example.com "$@"
