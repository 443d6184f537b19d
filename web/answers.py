"""Answers that a client may keep: an ETag, and 304 where nothing changed."""

from __future__ import annotations

from hashlib import blake2b

from fastapi import Request, Response

JSON = "application/json"
GEOJSON = "application/geo+json"


def kept(
    request: Request, body: str | bytes, *, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """Answer with a weak ETag; with 304 and no body where the client has the same already.

    What is answered depends on who asks, so only the client itself may keep it.
    """
    content = body.encode() if isinstance(body, str) else body
    tag = f'W/"{blake2b(content, digest_size=12).hexdigest()}"'
    given = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie, Accept-Language",
        **(headers or {}),
    }
    known = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=given)
    return Response(content, media_type=media_type, headers=given)
