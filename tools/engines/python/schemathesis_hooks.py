"""Adjusts generated requests that should be valid to the rules that the OpenAPI documents can't express."""

import json
import uuid
from datetime import datetime, timezone
from urllib.parse import urlsplit

import schemathesis


MAX_NAME_CHARACTERS = 253
MAX_INPUT_BYTES = 1024
BEGINNING = datetime.fromtimestamp(0, timezone.utc)


def size_of(value):
    """Size as JSON, in bytes. Python adds spaces, so this is an upper bound."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def is_from_api(cursor):
    """Whether a cursor came from the API. Generated ones are invalid."""
    return cursor.startswith("MjA") and len(cursor) == 82  # Base64 of a time ("20…") and a job id.


def read_time(text, default):
    """Parses an RFC 3339 time, to the second. Python has no year 0."""
    if not text:
        return default
    if text.startswith("0000"):
        return datetime.min.replace(tzinfo=timezone.utc)
    return datetime.fromisoformat(text[:19] + ("+00:00" if text.endswith("Z") else text[-6:]))


def without_proto(value):
    """The value without `__proto__` keys, which the API rejects at any depth."""
    if isinstance(value, dict):
        return {key: without_proto(part) for key, part in value.items() if key != "__proto__"}
    if isinstance(value, list):
        return [without_proto(part) for part in value]
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = f"{case.method.upper()} {case.path}"

    # Different requests with the same idempotency key are invalid.
    if operation == "POST /webhook" and "idempotency-key" in case.headers:
        case.headers["idempotency-key"] = str(uuid.uuid4())

    # Host names have at most 253 characters. A pattern that checks this would be too slow.
    if operation == "POST /webhook" and isinstance(case.body, dict):
        url = case.body.get("callbackUrl", "")
        host = urlsplit(url).hostname or ""
        if len(host) > MAX_NAME_CHARACTERS:
            case.body["callbackUrl"] = url.lower().replace(host, host[-MAX_NAME_CHARACTERS:].lstrip("."))

    # Each provider is listed once, as a string or an object. Parameters and metadata are at most 1 KiB each.
    if operation == "POST /webhook" and isinstance(case.body, dict):
        providers = {one if isinstance(one, str) else one["id"]: one for one in case.body["providers"]}
        if size_of([one for one in providers.values() if not isinstance(one, str)]) > MAX_INPUT_BYTES:
            providers = {name: one for name, one in providers.items() if isinstance(one, str)}
        case.body["providers"] = list(providers.values()) or case.body["providers"][:1]
        if size_of(case.body.get("metadata", {})) > MAX_INPUT_BYTES:
            del case.body["metadata"]

    # A callback may hold any data, but no `__proto__` keys.
    if operation == "POST /complete":
        case.body = without_proto(case.body)

    # Cursors must be from a previous page.
    if operation == "GET /jobs" and "cursor" in case.query and not is_from_api(str(case.query["cursor"])):
        del case.query["cursor"]
    if operation in ("GET /clients", "GET /redrives"):
        case.query.pop("cursor", None)

    # `from` must be before `to`, and jobs in trouble are pending.
    if operation == "GET /jobs":
        if "inTrouble" in case.query:
            case.query.pop("status", None)
        if "from" in case.query and "to" in case.query:
            if read_time(case.query["from"], BEGINNING) >= read_time(case.query["to"], BEGINNING):
                del case.query["from"]

    # A time range has at most 31 days and 200 buckets: here, the last day in buckets of an hour or more.
    if operation == "GET /jobs/stats":
        for name in ("from", "to"):
            case.query.pop(name, None)
        if str(case.query.get("bucket", "")).startswith(("minute", "5")):
            del case.query["bucket"]

    # Cursors of the mock provider must also be from a previous page.
    if operation == "GET /providers/gas/accounts/{account}/bills":
        case.query.pop("cursor", None)

    # A client must authenticate by HTTP Basic or in the form, but not both.
    if operation == "POST /providers/token" and isinstance(case.body, dict):
        for name in ("client_id", "client_secret"):
            case.body.pop(name, None)

    # `from` must be before `to`, and before now. It defaults to 1970.
    if operation == "POST /redrives" and isinstance(case.body, dict):
        now = datetime.now(timezone.utc)
        end = min(now, read_time(case.body.get("to"), now))
        if end <= BEGINNING:
            del case.body["to"]
            end = now
        if read_time(case.body.get("from"), BEGINNING) >= end:
            del case.body["from"]
