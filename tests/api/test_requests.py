"""The caller of a request, read from API Gateway's context."""

import pytest

from chalicelib.api.requests import Caller, caller_of
from chalicelib.errors import CallerError


def signed(arn: str) -> dict:
    return {"identity": {"userArn": arn}}


@pytest.mark.parametrize(
    ("arn", "owner"),
    [
        ("arn:aws:iam::123456789012:user/alice", "alice"),
        ("arn:aws:iam::123456789012:user/research/phonetics/alice", "alice"),
        (
            "arn:aws:sts::123456789012:assumed-role/Researcher/alice@example.org",
            "alice@example.org",
        ),
        ("arn:aws-cn:sts::123456789012:federated-user/alice", "alice"),
        ("arn:aws:iam::123456789012:root", "root"),
    ],
)
def test_the_owner_is_the_last_part_of_the_arn(arn, owner):
    assert caller_of(signed(arn), ()) == Caller(owner)


def test_administrators_are_named_by_patterns():
    patterns = ("arn:aws:sts::1:assumed-role/Admin/*", "arn:aws:iam::1:user/carol")

    def is_administrator(arn: str) -> bool:
        return caller_of(signed(arn), patterns).is_administrator

    assert is_administrator("arn:aws:sts::1:assumed-role/Admin/dave")
    assert is_administrator("arn:aws:iam::1:user/carol")
    assert not is_administrator("arn:aws:iam::1:user/Carol")
    assert not is_administrator("arn:aws:iam::1:user/caroline")
    assert not is_administrator("arn:aws:iam::2:user/carol")
    assert not is_administrator("arn:aws:sts::1:assumed-role/Other/carol")


@pytest.mark.parametrize(
    ("groups", "is_administrator"),
    [
        ("earshot-administrators", True),
        ("readers,earshot-administrators", True),
        ("[readers earshot-administrators]", True),
        ("readers", False),
        ("not-earshot-administrators", False),
        (None, False),
    ],
)
def test_a_pools_user_is_named_by_the_token(groups, is_administrator):
    claims = {"cognito:username": "alice", "aud": "the-page"}
    claims |= {"cognito:groups": groups} if groups else {}

    found = caller_of({"authorizer": {"claims": claims}}, ("*",), client_ids=("the-page",))

    assert found == Caller("alice", is_administrator)


CLIENT = {"aud": "the-page"}


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"identity": {}},
        {"identity": {"userArn": None}, "authorizer": None},
        {"identity": {"sourceIp": "127.0.0.1"}},
        signed("arn:aws:iam::123456789012:user/-"),
        signed("arn:aws:iam::123456789012:user/"),
        {"authorizer": {"claims": CLIENT | {"cognito:username": "alice/../bob"}}},
        {"authorizer": {"claims": CLIENT | {"cognito:username": ".."}}},
        {"authorizer": {"claims": CLIENT | {"cognito:username": "a\nb"}}},
        {"authorizer": {"claims": CLIENT | {"sub": "1"}}},
    ],
)
def test_a_caller_whose_name_cannot_be_a_folder_is_refused(context):
    with pytest.raises(CallerError, match=r"(name .*|signed in)\.$"):
        caller_of(context, ("*",), client_ids=("the-page",))
