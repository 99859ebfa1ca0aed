"""What an object store answered → what went wrong and what to do, in our words.

The stores' own texts are only searched, never shown: they may hold signed addresses and request ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import ArrowException

from llmcost.errors import InputError

CODE = re.compile(r"AWS Error ([A-Z_]+)|Azure Error: \[(\w+)\]|Status\(([A-Z_]+)")
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
    "az": "AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or `az login`",
}
ENDPOINTS = {
    "s3": "AWS_ENDPOINT_URL, AWS_REGION",
    "gs": "STORAGE_EMULATOR_HOST",
    "az": "AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_CONNECTION_STRING",
}
CHANGED = "read it again when nobody writes to it"
# (what stands in a store's text, what it means, what to do); the first that fits counts
CAUSES = (
    (
        r"NO_SUCH_BUCKET|ContainerNotFound",
        "no such bucket: {url}",
        "check the bucket's name, and that the credentials are those of its account",
    ),
    (
        r"OAuth2 access token|DefaultAzureCredential|Failed to get token|UNAUTHENTICATED",
        "no credentials for {url}",
        "set {credentials}",
    ),
    (
        r"NETWORK_CONNECTION|CURL error|Could not connect|Could not resolve|UNAVAILABLE|DEADLINE|TIMEOUT|"
        r"new connection|resolve address",
        "cannot reach the store of {url}",
        "check the network and {endpoints}",
    ),
    (
        r"PERMANENT_REDIRECT|HTTP status 301|AuthorizationHeaderMalformed|configured region",
        "the bucket of {url} is in another region",
        "set AWS_REGION to the bucket's region",
    ),
    (
        r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_CLIENT_TOKEN_ID|EXPIRED_?TOKEN|"
        r"ExpiredToken|HTTP status 40[13]|Authentic|Authoriz|PERMISSION_DENIED|403",
        "not allowed to read {url}",
        "set {credentials}; they must allow to list the bucket and to read its objects",
    ),
    (
        r"HTTP status 416|OUT_OF_RANGE|InvalidRange",
        "{url} has changed while it was read",
        CHANGED,
    ),
    (
        r"Base64",
        "the credentials for {url} cannot be used",
        "check {credentials}",
    ),
    (
        r"Empty path component",
        "cannot read {url}",
        "a key with an empty part (//) cannot be read; copy the object to another key",
    ),
)  # fmt: skip


@contextmanager
def explained(url: str, family: str) -> Iterator[None]:
    """Turns what the store of this URL raises into InputErrors that say what to do."""
    try:
        yield
    except (OSError, ValueError, ArrowException) as error:
        raise failure(url, family, error) from None  # its text may hold a signed address


def failure(url: str, family: str, error: Exception) -> InputError:
    """What this error of a store of s3, gs or az means."""
    known = cause(url, family, error)
    if known is not None:
        return known
    code = CODE.search(str(error))
    reason = f" ({next(filter(None, code.groups()), 'unknown')})" if code else ""
    return InputError(f"cannot read {url}{reason}", f"check that it can be read, and {ENDPOINTS[family]}")


def cause(url: str, family: str, error: Exception) -> InputError | None:
    """What this error means, if it is one that we know."""
    if isinstance(error, FileNotFoundError):
        return missing(url)
    told = str(error)
    known = {"url": url, "credentials": CREDENTIALS[family], "endpoints": ENDPOINTS[family]}
    for sign, what, hint in CAUSES:
        if re.search(sign, told):
            return InputError(what.format(**known), hint.format(**known))
    return None


def missing(url: str) -> InputError:
    """The error for an object that is not there."""
    return InputError(f"no such object: {url}", "check the key; a folder needs objects below it")


def changed(url: str) -> InputError:
    """The error for an object that was replaced while it was being read."""
    return InputError(f"{url} has changed while it was read", CHANGED)
