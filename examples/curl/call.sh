#!/bin/sh
# Exchanges the token in EDGE_STS_SUBJECT_TOKEN_FILE and calls the API with what comes back.
set -eu
SERVER=https://sts.example.com
API=https://orders.example.com

curl -sS --fail-with-body "$SERVER/v1/token" \
  --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
  --data-urlencode subject_token_type=urn:ietf:params:oauth:token-type:jwt \
  --data-urlencode "subject_token@$EDGE_STS_SUBJECT_TOKEN_FILE" \
  --data-urlencode "resource=$API" |
  sed -n 's/.*"access_token": *"\([^"]*\)".*/Authorization: Bearer \1/p' |
  curl -sS --fail-with-body -H @- "$API/"
