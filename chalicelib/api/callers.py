"""Who asks, as API Gateway tells it once it has checked the signature or the token."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from chalicelib.core import keys
from chalicelib.errors import CallerError

ADMINISTRATORS_GROUP = "earshot-administrators"
"""The group of a Cognito user pool whose members see every owner's recordings."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request: the owner of their own recordings, or an administrator of all."""

    owner: str
    is_administrator: bool = False

    def may_see(self, owner: str) -> bool:
        """Tell whether an owner's recordings are this caller's to see and to touch."""
        return self.is_administrator or owner == self.owner


def caller_of(
    context: Mapping[str, Any], administrators: Iterable[str], *, unsigned: str = ""
) -> Caller:
    """Return who sent a request.

    With IAM the owner is the last part of the ARN: a user's name, or a role's session name. With
    Cognito it is the user's name.

    Parameters
    ----------
    context : mapping
        the request context that API Gateway gives with each event
    administrators : iterable of str
        patterns of administrators' ARNs, in which ``*`` stands for anything
    unsigned : str
        the ARN of who asks where nothing checks who does; nobody if empty

    Raises
    ------
    CallerError
        if nobody is named, or under a name that no folder of uploads can have
    """
    claims = (context.get("authorizer") or {}).get("claims")
    if claims:
        # API Gateway hands a token's list on as text.
        groups = re.split(r"[\s,\[\]]+", str(claims.get("cognito:groups", "")))
        name = str(claims.get("cognito:username", ""))
        return Caller(_owner(name), ADMINISTRATORS_GROUP in groups)
    arn = (context.get("identity") or {}).get("userArn") or unsigned
    if not arn:
        raise CallerError("Nobody is signed in.")
    # The account's own ARN ends in ":root".
    name = re.split("[/:]", arn)[-1]
    return Caller(_owner(name), any(fnmatchcase(arn, pattern) for pattern in administrators))


def _owner(name: str) -> str:
    if not keys.is_owner(name):
        raise CallerError(f"Nobody can own recordings under the name {name!r}.")
    return name
