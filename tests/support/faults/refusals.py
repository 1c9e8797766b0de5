"""Errors as botocore's clients raise them."""

from typing import Any

from botocore.exceptions import ClientError


def refuse(operation: str, code: str, status: int = 400, **more: Any) -> ClientError:
    """Return the error that a client raises if a service refuses a request."""
    error = {"Error": {"Code": code, "Message": f"{code} by the double"} | more}
    return ClientError(error | {"ResponseMetadata": {"HTTPStatusCode": status}}, operation)


def cancel(codes: list[str]) -> ClientError:
    """Return the error of a transaction. Each change has a code; "None" means no error."""
    error = refuse("TransactWriteItems", "TransactionCanceledException")
    error.response["CancellationReasons"] = [{"Code": code} for code in codes]
    return error
