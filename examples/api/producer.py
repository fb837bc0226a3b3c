#!/usr/bin/env python3
"""A producer in Python: nothing but the standard library, 3.9 or newer. See docs/api.md.

As a program it reads topics and writes tweets, one line of JSON each. Run it again after whatever went wrong: ids follow
from the name of the run and the line, so that no job is done twice.

    MONITOR_URL=http://127.0.0.1:3700 MONITOR_TOKEN=… python3 producer.py topics.csv tweets.jsonl --run evening
"""

import argparse
import csv
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class ApiError(Exception):
    """The monitor has refused a request: `status`, and `problems` with what is wrong, by field."""

    def __init__(self, status, answer):
        super().__init__(f"{status}: {answer.get('error', 'no answer that can be read')}")
        self.status = status
        self.problems = answer.get("problems", [])


class PuppetEngine:
    """The HTTP API of a monitor.

    Connection errors, 429 and 503 are tried again. That is harmless, because every job has an id: its own, or a random one.
    """

    JOBS_AT_ONCE = 1000
    LONGEST_WAIT = 60  # seconds that the monitor lets a request wait
    LONGEST_PAUSE = 60.0

    def __init__(self, url=None, token=None, tries=8):
        self.url = (url or os.environ.get("MONITOR_URL") or "http://127.0.0.1:3700").rstrip("/") + "/api/v1"
        self.token = token or os.environ.get("MONITOR_TOKEN")
        self.tries = tries

    def enqueue(self, job, wait=None):
        """Enqueues one job: {"id", "lane", "status"}. With `wait` (seconds) also "result", or None if it did not come."""
        query = {} if wait is None else {"waitSeconds": min(int(wait), self.LONGEST_WAIT)}
        return self._call("POST", "/jobs", query=query, body=with_id(job))

    def enqueue_many(self, jobs, run=None, retry_failed=False):
        """Enqueues any number of jobs. Yields for each, in order, {"id", "status"}: refused ones have "error" as well."""
        batch = []
        for job in jobs:
            batch.append(with_id(job))
            if len(batch) == self.JOBS_AT_ONCE:
                yield from self._enqueue_batch(batch, run, retry_failed)
                batch = []
        if batch:
            yield from self._enqueue_batch(batch, run, retry_failed)

    def _enqueue_batch(self, jobs, run, retry_failed):
        body = {"jobs": jobs, "retryFailed": retry_failed}
        if run is not None:
            body["run"] = run
        return self._call("POST", "/jobs/batch", body=body)["jobs"]

    def job(self, id):
        """What is known of a job."""
        return self._call("GET", f"/jobs/{quoted(id)}")

    def result(self, id, wait=0):
        """The job's result; None: it has none after `wait` seconds (float("inf"): until it comes)."""
        until = time.monotonic() + wait
        while True:
            left = max(0.0, until - time.monotonic())
            seconds = int(min(self.LONGEST_WAIT, left + 0.999))
            answer = self._call("GET", f"/jobs/{quoted(id)}/result", query={"waitSeconds": seconds})
            # Whatever has no result is told by its id and status alone.
            if "finishedAt" in answer:
                return answer
            if time.monotonic() >= until:
                return None

    def cancel(self, id):
        """"cancelled", "cancelling" (a worker is at it and was told to stop) or "settled" (it was finished)."""
        return self._call("DELETE", f"/jobs/{quoted(id)}")["outcome"]

    def feedback(self, id, score):
        """How good the job's text was, 0 (bad) to 1 (good)."""
        self._call("PUT", f"/jobs/{quoted(id)}/feedback", body={"score": score})

    def begin_run(self, id, total=None, agent=None):
        """Begins a bulk run, or goes on with it."""
        about = {"total": total, "agent": agent}
        return self._call("PUT", f"/runs/{quoted(id)}", body={k: v for k, v in about.items() if v is not None})

    def run(self, id):
        """How far a bulk run is."""
        return self._call("GET", f"/runs/{quoted(id)}")

    def change_run(self, id, change):
        """`change`: pause, resume, cancel, finish or retry-failed."""
        return self._call("POST", f"/runs/{quoted(id)}/{change}")

    def _call(self, method, path, query=None, body=None):
        address = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        # Longer than any request waits there.
        timeout = self.LONGEST_WAIT + 30
        for attempt in range(1, self.tries + 1):
            request = urllib.request.Request(address, data=data, headers=headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=timeout) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                with error:
                    answer = read_answer(error)
                if error.code not in (429, 503) or attempt == self.tries:
                    raise ApiError(error.code, answer) from None
                pause(attempt, error.headers.get("Retry-After"))
            # No connection, one that was cut, a time-out; an answer of which only half came.
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                if attempt == self.tries:
                    raise
                pause(attempt, None)


def with_id(job):
    return job if job.get("id") is not None else {**job, "id": uuid.uuid4().hex}


def quoted(id):
    return urllib.parse.quote(str(id), safe="")


def read_answer(error):
    try:
        answer = json.load(error)
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def pause(attempt, retry_after):
    """As long as the monitor asks for, else by doubling, each with jitter: many clients must not come back at once."""
    if retry_after is not None and retry_after.isdigit():
        seconds = int(retry_after) * random.uniform(1.0, 1.2)
    else:
        seconds = random.uniform(0.5, 1.0) * 0.25 * 2**attempt
    time.sleep(min(seconds, PuppetEngine.LONGEST_PAUSE))


def jobs_of(path, run, agent):
    """A tweet a row: the columns `id` and `agent` are the job's, all others are its context."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            fields = {name: value for name, value in row.items() if name and value}
            job = {"kind": "tweet", "id": fields.pop("id", f"{run}-{rows.line_num}")}
            writer = fields.pop("agent", agent)
            yield {**job, **({"agent": writer} if writer else {}), "context": fields}


def main():
    parser = argparse.ArgumentParser(description="Topics in, tweets out, through the HTTP API.")
    parser.add_argument("input", help="CSV with a header: agent, topic, mood …")
    parser.add_argument("output", help="JSONL: a result a line")
    parser.add_argument("--run", default="python", help="name of the run; ids begin with it (default: python)")
    parser.add_argument("--agent", help="for rows that name none")
    options = parser.parse_args()

    engine = PuppetEngine()
    jobs = list(jobs_of(options.input, options.run, options.agent))
    engine.begin_run(options.run, total=len(jobs))
    accepted, failed = [], 0
    for outcome in engine.enqueue_many(jobs, run=options.run):
        if "error" in outcome:
            failed += 1
            print(f"refused: {outcome['error']}", file=sys.stderr)
        else:
            accepted.append(outcome["id"])
    with open(options.output, "w", encoding="utf-8") as output:
        for id in accepted:
            result = engine.result(id, wait=float("inf"))
            failed += result["status"] != "succeeded"
            output.write(json.dumps(result, ensure_ascii=False) + "\n")
    engine.change_run(options.run, "finish")
    run = engine.run(options.run)
    print(f"{len(jobs)} jobs, {failed} failed, {run['costMicroUsd'] / 1e6:g} USD; written to {options.output}")
    return 4 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ApiError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
