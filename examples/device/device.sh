#!/bin/sh
# A device without a keyboard (RFC 8628): it shows a code, the user enters it on another device.
set -eu
ISSUER=${ISSUER:-http://localhost:3000/oauth/examples}

# the member of a flat JSON object
member() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }

begun=$(curl -sS "$ISSUER/device/auth" -d client_id=device -d 'scope=openid profile')
device_code=$(echo "$begun" | member device_code)
interval=$(echo "$begun" | member interval)
echo "Open $(echo "$begun" | member verification_uri) and enter $(echo "$begun" | member user_code)"

while :; do
  sleep "${interval:-5}"
  answer=$(curl -sS "$ISSUER/token" -d client_id=device -d "device_code=$device_code" \
    -d grant_type=urn:ietf:params:oauth:grant-type:device_code)
  case $(echo "$answer" | member error) in
    authorization_pending) ;;
    slow_down) interval=$((${interval:-5} + 5)) ;;
    '') break ;;
    *) echo "$answer" >&2; exit 1 ;;
  esac
done

# the token is read from standard input: others on this machine can see the command line
name=$(echo "$answer" | member access_token | sed 's/^/header = "Authorization: Bearer /; s/$/"/' |
  curl -sS -K - "$ISSUER/me" | member name)
echo "Hello, $name."
