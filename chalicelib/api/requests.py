"""A request: its caller, its query and its body, each checked before it is used."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from chalicelib.core import keys
from chalicelib.errors import CallerError, NotThereError, RequestError

MAX_TEXT = 500
"""Longest value of a query parameter, in characters."""

ADMINISTRATORS_GROUP = "earshot-administrators"
"""The group of a Cognito user pool whose members see every owner's recordings."""


TWO_YEARS_S = 63_072_000


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: an owner of recordings, or an administrator of all recordings."""

    owner: str
    is_administrator: bool = False

    def may_see(self, owner: str) -> bool:
        """Return whether this caller may see and change an owner's recordings."""
        return self.is_administrator or owner == self.owner


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the API.

    If a value cannot be used, each method raises RequestError with a sentence for the caller.
    """

    caller: Caller
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return a value of the query, or None if it is not given."""
        value = self.query.get(name)
        if not value:
            return None
        if len(value) > MAX_TEXT or not keys.is_plain(value):
            raise RequestError(
                f"{name} must be at most {MAX_TEXT} characters, none of them control characters."
            )
        return value

    def header(self, name: str) -> str:
        """Return a header field by its name in lower case; empty if it is not given."""
        return self.headers.get(name, "").strip()

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        """Return a value that must be one of a few, or None if it is not given."""
        value, known = self.text(name), list(choices)
        if value is not None and value not in known:
            raise RequestError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
        return value

    def limit(self, largest: int) -> int:
        """Return the limit of a list; if it is not given, the largest that is allowed."""
        value = self.text("limit") or str(largest)
        # int() alone accepts signs, spaces and the digits of any script.
        if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= largest:
            raise RequestError(f"limit must be 1 to {largest}, not {value!r}.")
        return int(value)

    def seconds(self, name: str) -> float:
        """Return a time in seconds, which must be given."""
        value = self.text(name) or ""
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", value):
            raise RequestError(f"{name} must be a time in seconds, such as 12.5, not {value!r}.")
        return float(value)

    def owner(self) -> str | None:
        """Return the owner whose recordings are requested, or None for all owners.

        Raise CallerError for another owner's recordings, if the caller is not an administrator.
        """
        return self.recordings_of(self.text("owner"))

    def recordings_of(self, named: str | None) -> str | None:
        """Return the named owner; without a name the caller, or None for an administrator.

        Raise CallerError as ``owner`` does.
        """
        if named is not None and not self.caller.may_see(named):
            raise CallerError("Only an administrator may name another owner.")
        return named or (None if self.caller.is_administrator else self.caller.owner)

    def body(self) -> dict[str, Any]:
        """Return the body, which is a JSON object."""
        try:
            found = orjson.loads(self.content)
        except orjson.JSONDecodeError as exc:
            raise RequestError(f"The body is not JSON: {exc}.") from exc
        if not isinstance(found, dict):
            raise RequestError('The body must be a JSON object, such as {"name": "talk.wav"}.')
        return found


def text_of(body: Mapping[str, Any], name: str) -> str | None:
    """Return a text of a body, or None if it is not given. Raise RequestError for other types."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise RequestError(f"{name} must be a text that is not empty.")
    return value


def not_found(recording_id: str) -> NotThereError:
    """Return the error for a recording that does not exist, or that is another owner's."""
    return NotThereError(f"There is no recording {recording_id[:MAX_TEXT]!r}.")


def caller_of(
    context: Mapping[str, Any],
    administrators: Iterable[str],
    *,
    client_ids: Collection[str] = (),
    unsigned: str = "",
) -> Caller:
    """Return the caller of a request.

    With IAM the owner is the last part of the ARN: a user's name, or a role's session name. With
    Cognito it is the user's name. API Gateway checks the signature and the pool of a token, but not
    the app client that it was made for.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html

    Parameters
    ----------
    context : mapping
        the request context that API Gateway gives with each event
    administrators : iterable of str
        patterns of administrators' ARNs, in which ``*`` matches any text
    client_ids : collection of str
        the app clients whose tokens are accepted
    unsigned : str
        the caller's ARN if requests are not authorised; empty for no caller

    Raises
    ------
    CallerError
        if there is no caller, the token was made for another app client, or the caller's name
        cannot be a folder of uploads
    """
    claims = (context.get("authorizer") or {}).get("claims")
    if claims:
        # An ID token has the client as its audience, an access token as client_id.
        if (claims.get("aud") or claims.get("client_id")) not in client_ids:
            raise CallerError("This token was made for another application. Sign in to this one.")
        # API Gateway passes the list in a token on as text.
        groups = re.split(r"[\s,\[\]]+", str(claims.get("cognito:groups", "")))
        name = str(claims.get("cognito:username") or claims.get("username", ""))
        return Caller(_owner(name), ADMINISTRATORS_GROUP in groups)
    arn = (context.get("identity") or {}).get("userArn") or unsigned
    if not arn:
        raise CallerError("Nobody is signed in.")
    # The ARN of the account ends in ":root".
    name = re.split("[/:]", arn)[-1]
    return Caller(_owner(name), any(fnmatchcase(arn, pattern) for pattern in administrators))


def privacy_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of every answer; those of a file of the page replace them.

    A browser must ignore ``Strict-Transport-Security`` without TLS, and a server must not send it
    then (RFC 6797, 7.2 and 8.1).
    """
    added = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if headers.get("x-forwarded-proto") == "https":
        added["Strict-Transport-Security"] = f"max-age={TWO_YEARS_S}"
    return added


def _owner(name: str) -> str:
    if not keys.is_owner(name):
        raise CallerError(f"Nobody can own recordings under the name {name!r}.")
    return name
