"""Upload forms: a caller can upload to their own folder only."""

import re
from typing import TYPE_CHECKING, Any

from chalicelib.api.requests import Request, text_of
from chalicelib.core import keys
from chalicelib.core.media_types import media_type
from chalicelib.core.probe import formats
from chalicelib.core.probe.limits import LARGEST_BYTES
from chalicelib.errors import CallerError, RequestError

if TYPE_CHECKING:
    from chalicelib.services import Services

MEDIA_TYPE = re.compile(r"(audio|video)/[a-z0-9][a-z0-9.+-]{0,99}(; ?codecs=[\w.,\"-]{1,100})?")


def offer_upload(request: Request, services: "Services") -> dict[str, Any]:
    """Return the form of an upload; S3 refuses any other size, type or key."""
    body = request.body()
    owner = text_of(body, "owner") or request.caller.owner
    if not request.caller.may_see(owner):
        raise CallerError("Only an administrator may upload for another owner.")
    if not keys.is_owner(owner):
        raise RequestError(f"Nobody can own recordings under the name {owner[:100]!r}.")
    name = text_of(body, "name")
    if name is None:
        raise RequestError('name must be given, such as {"name": "talk.wav"}.')
    key = keys.upload(owner, name)
    if reason := formats.unusable_name(name, key):
        raise RequestError(reason)
    content_type = text_of(body, "content_type") or media_type(name)
    if not MEDIA_TYPE.fullmatch(content_type):
        raise RequestError("content_type must be that of audio or video, such as audio/wav.")
    form = services.media.presign_post(key, content_type=content_type, max_bytes=LARGEST_BYTES)
    return {"key": key, **form, "max_bytes": LARGEST_BYTES}
