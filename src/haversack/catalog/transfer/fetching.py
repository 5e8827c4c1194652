"""Fetches the file of an import from where a studio says it is."""

from haversack.errors import IMPORT_FILE_TYPE_REFUSED, STORE, Fault, Refusal
from haversack.http.problems import invalid
from haversack.outbound.client import OutboundClient, OutboundFailure

FILE_BYTES_MAX = 7_000_000
# The caller waits for it.
FETCH_SECONDS = 20.0
MEDIA_TYPE = "application/json"
SHOWN_LENGTH_MAX = 100


async def fetch_file(outbound: OutboundClient, url: str, *, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """The bytes of a file. IMPORT_FILE_TYPE_REFUSED, or STORE.invalid where it cannot be had or is too large."""
    try:
        reply = await outbound.send(
            "GET",
            url,
            headers={"Accept": MEDIA_TYPE},
            timeout_seconds=FETCH_SECONDS,
            response_bytes_max=bytes_max,
        )
    except OutboundFailure as failure:
        raise _unusable(f"cannot be fetched: {failure.reason}") from failure
    if reply.status != 200:
        raise _unusable(f"answers with status {reply.status}")
    given = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given != MEDIA_TYPE:
        raise IMPORT_FILE_TYPE_REFUSED(content_type=given[:SHOWN_LENGTH_MAX] or "none")
    encoding = reply.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise _unusable(f"is encoded as {encoding[:SHOWN_LENGTH_MAX]}, though no encoding was asked for")
    if reply.is_cut:
        raise _unusable(f"is larger than {bytes_max} bytes")
    return reply.body


def _unusable(message: str) -> Refusal:
    return invalid(STORE.invalid, [Fault("file_url", message)])
