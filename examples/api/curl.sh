#!/usr/bin/env bash
# The HTTP API with curl: one job, then many in a run. See docs/api.md.
#
#   MONITOR_URL=http://127.0.0.1:3700 MONITOR_TOKEN=… examples/api/curl.sh
#
# Running it again enqueues nothing new: the ids are the same. RUN=NAME gives them other ones.
set -euo pipefail

API="${MONITOR_URL:-http://127.0.0.1:3700}/api/v1"
RUN="${RUN:-curl-example}"
AGENT="${AGENT:-echo}"

# An answer that is no success ends the script, and is shown.
call() {
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --max-time 90 --request "$method" \
    ${MONITOR_TOKEN:+--header "Authorization: Bearer $MONITOR_TOKEN"} "$@" "$API$path"
  echo
}

json=(--header 'Content-Type: application/json')

echo "One job, and its result, if it comes within 30 s:"
call POST '/jobs?waitSeconds=30' "${json[@]}" \
  --data "{\"kind\": \"tweet\", \"agent\": \"$AGENT\", \"id\": \"$RUN-rain\", \"context\": {\"topic\": \"rain\"}}"

echo "Three jobs that belong to a run:"
call PUT "/runs/$RUN" "${json[@]}" --data "{\"total\": 3, \"agent\": \"$AGENT\"}"
call POST "/jobs/batch?run=$RUN" "${json[@]}" --data @- <<JOBS
{
  "jobs": [
    {"kind": "tweet", "id": "$RUN-1", "context": {"topic": "tides", "mood": "calm"}},
    {"kind": "tweet", "id": "$RUN-2", "context": {"topic": "gulls"}},
    {"kind": "reply", "id": "$RUN-3", "mention": "Is anybody there?"}
  ]
}
JOBS

echo "Their results:"
for number in 1 2 3; do
  call GET "/jobs/$RUN-$number/result?waitSeconds=60"
done
call POST "/runs/$RUN/finish"

echo "How good one of them was, and what all of this has cost:"
call PUT "/jobs/$RUN-1/feedback" "${json[@]}" --data '{"score": 0.8}'
call GET '/usage.csv?by=agent&days=7'
