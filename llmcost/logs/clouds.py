"""Object stores by family: s3, gs and az, each reached with the standard variables of its own tools.

Nothing is sent to a host that was not named: with an endpoint of the user's own, neither the region nor credentials are
looked up at Amazon. Where there are no credentials, S3 is asked without a signature, which is what public buckets need.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser, Error
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from llmcost.endpoint.address import canonical
from llmcost.errors import ConfigError

CONNECT_SECONDS = 5
ANSWER_SECONDS = 15
ATTEMPTS = 3
RETRY = timedelta(seconds=10)
NO_METADATA_SERVICE = "AWS_EC2_METADATA_DISABLED"
AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
DEFAULT_REGION = "us-east-1"
AZURE_HOST = ".blob.core.windows.net"
# Where Microsoft keeps storage accounts: its clouds, its partner's in China, DNS zones and OneLake. To no other host
# that only a URL names are a key, a signature or a token sent: a list of logs can come from somebody else.
AZURE = (".core.windows.net", ".core.usgovcloudapi.net", ".core.chinacloudapi.cn", ".storage.azure.net",
         ".fabric.microsoft.com")  # fmt: skip

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _S3:
    """How a bucket is reached. Secrets tell two accesses apart, but are not shown."""

    bucket: str
    endpoint: str | None
    region: str | None
    ca_bundle: str | None
    profile: tuple[str | None, ...]
    keys: tuple[str, ...] = field(repr=False)


def filesystem(family: str, authority: str) -> Any:
    """The pyarrow filesystem of a bucket or container (`authority` as in its URL), from the environment.

    Raises ConfigError where the environment or this build of pyarrow does not do.
    """
    return FAMILIES[family](authority, os.environ)


def hosts(family: str, authority: str, environment: Environment) -> list[str]:
    """URLs of the hosts that a bucket or container is asked of, credentials apart: those are fetched by the SDKs.

    Of a bucket whose region is not configured, Amazon is asked at s3.amazonaws.com first.
    """
    return HOSTS[family](authority, environment)


def _s3_hosts(bucket: str, environment: Environment) -> list[str]:
    access = _access(bucket, environment)
    if access.endpoint is not None:
        return [access.endpoint]
    domain = AMAZON[1] if (access.region or "").startswith("cn-") else AMAZON[0]
    return [f"https://s3.{access.region}{domain}" if access.region else f"https://s3{domain}"]


def _gs_hosts(bucket: str, environment: Environment) -> list[str]:
    emulator = environment.get("STORAGE_EMULATOR_HOST")
    return [_with_scheme(emulator) if emulator else "https://storage.googleapis.com"]


def _az_hosts(authority: str, environment: Environment) -> list[str]:
    options = _azure_options(authority, environment)
    account = options["account_name"]
    services = ("blob_storage", "dfs_storage")
    places = [(options[f"{each}_scheme"], options[f"{each}_authority"] or "") for each in services]
    return sorted({f"{scheme}://{account if place.startswith('.') else ''}{place}" for scheme, place in places})


def _s3(bucket: str, environment: Environment) -> Any:
    return _s3_system(_access(bucket, environment))


def _access(bucket: str, environment: Environment) -> _S3:
    settings = _profile(environment)
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    keys = tuple(environment.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    names = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "HOME")
    return _S3(
        bucket,
        endpoint or settings.get("endpoint_url"),
        region or settings.get("region"),
        environment.get("AWS_CA_BUNDLE"),
        tuple(environment.get(name) for name in names),
        (*keys, environment.get("AWS_SESSION_TOKEN", "")) if all(keys) else (),
    )


@cache
def _s3_system(access: _S3) -> Any:
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "request_timeout": ANSWER_SECONDS,
        "retry_strategy": AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        "region": access.region or _region(access),
    }
    if access.keys:
        options |= zip(("access_key", "secret_key", "session_token"), (key or None for key in access.keys), strict=True)
    if access.ca_bundle and "tls_ca_file_path" in (S3FileSystem.__doc__ or ""):  # an older pyarrow does not have it
        options["tls_ca_file_path"] = access.ca_bundle
    if access.endpoint is None:
        return S3FileSystem(**options)
    place = _host(access.endpoint, "AWS_ENDPOINT_URL")
    address = {"scheme": place.scheme, "endpoint_override": place.netloc + place.path.rstrip("/")}
    with _no_metadata_service(place):
        return S3FileSystem(**options, **address)


def _region(access: _S3) -> str:
    """Where a bucket is. Amazon is asked only for a bucket of Amazon's."""
    from pyarrow.fs import resolve_s3_region

    if access.endpoint is None:
        found: str = resolve_s3_region(access.bucket)
        return found
    return DEFAULT_REGION


@contextmanager
def _no_metadata_service(place: SplitResult) -> Iterator[None]:
    """A client made inside looks for no credentials of a machine of Amazon's, unless the endpoint is one of its."""
    before = os.environ.get(NO_METADATA_SERVICE)
    if before is not None or (place.hostname or "").endswith(AMAZON):
        yield
        return
    os.environ[NO_METADATA_SERVICE] = "true"
    try:
        yield
    finally:
        del os.environ[NO_METADATA_SERVICE]


def _profile(environment: Environment) -> dict[str, str]:
    """`region` and `endpoint_url` of the user's AWS profile, its S3 service first; the keys are read by pyarrow."""
    file = environment.get("AWS_CONFIG_FILE") or Path(environment.get("HOME") or Path.home()) / ".aws" / "config"
    config = ConfigParser(interpolation=None, strict=False)
    try:
        config.read(file, encoding="utf-8")
    except (Error, UnicodeDecodeError):
        raise ConfigError("the AWS configuration file cannot be understood", "check it, or AWS_CONFIG_FILE") from None
    name = environment.get("AWS_PROFILE") or "default"
    section = next((title for title in (f"profile {name}", name) if config.has_section(title)), None)
    settings = dict(config[section]) if section else {}
    services = f"services {settings.get('services')}"
    nested = config.get(services, "s3", fallback="").splitlines() if config.has_section(services) else []
    return settings | {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in nested)}


def _host(address: str, variable: str) -> SplitResult:
    """The parts of an endpoint's address, checked; it is not repeated in errors, for it may hold a password."""
    try:
        place = urlsplit(address)
        usable = place.scheme in ("http", "https") and place.hostname and (place.port is None or place.port > 0)
    except ValueError:
        usable = False
    if not usable or "@" in place.netloc:
        raise ConfigError(
            f"the endpoint in {variable} is not an address without credentials",
            f"set {variable} to something like http://127.0.0.1:9000",
        )
    return place


def _gs(bucket: str, environment: Environment) -> Any:
    return _gs_system(environment.get("STORAGE_EMULATOR_HOST"), environment.get("GOOGLE_APPLICATION_CREDENTIALS"))


@cache
def _gs_system(emulator: str | None, _credentials: str | None) -> Any:
    system = _built("GcsFileSystem", "gs://")
    if not emulator:
        return system(retry_time_limit=RETRY)
    place = _host(_with_scheme(emulator), "STORAGE_EMULATOR_HOST")
    address = {"scheme": place.scheme, "endpoint_override": place.netloc}
    return system(anonymous=True, retry_time_limit=RETRY, **address)


def _with_scheme(emulator: str) -> str:
    return emulator if "://" in emulator else f"http://{emulator}"


def _az(authority: str, environment: Environment) -> Any:
    return _az_system(tuple(sorted(_azure_options(authority, environment).items())))


def _azure_options(authority: str, environment: Environment) -> dict[str, str | None]:
    settings = _connection(environment)
    _, _, host = authority.partition("@")
    account, _, rest = host.partition(".")
    account = account or settings.get("AccountName") or environment.get("AZURE_STORAGE_ACCOUNT") or ""
    if not account:
        raise ConfigError(
            "az:// needs the name of a storage account",
            "set AZURE_STORAGE_ACCOUNT, or write abfss://container@account.dfs.core.windows.net/key",
        )
    options: dict[str, str | None] = {
        "account_name": account,
        "account_key": settings.get("AccountKey") or environment.get("AZURE_STORAGE_KEY"),
        "sas_token": settings.get("SharedAccessSignature") or environment.get("AZURE_STORAGE_SAS_TOKEN"),
    }
    if options["account_key"]:
        del options["sas_token"]  # pyarrow takes one of the two
    return {**options, **_azure_hosts(account, rest, settings)}


@cache
def _az_system(options: tuple[tuple[str, str | None], ...]) -> Any:
    system = _built("AzureFileSystem", "az://")
    return system(**dict(options))


def _connection(environment: Environment) -> dict[str, str]:
    text = environment.get("AZURE_STORAGE_CONNECTION_STRING", "")
    return {key.strip(): value for key, _, value in (part.partition("=") for part in text.split(";")) if value}


def _azure_hosts(account: str, named: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Where the account's two services are: as the URL or the connection string says, else Microsoft's public cloud."""
    endpoint = settings.get("BlobEndpoint")
    if named and not f".{canonical(f'{account}.{named}')}".endswith(AZURE):
        raise ConfigError(
            f"{named} is no host of Azure's, and the storage account's key or token would be used there",
            "check the URL; a storage of your own is named by AZURE_STORAGE_CONNECTION_STRING (BlobEndpoint=…)",
        )
    if named:
        scheme, blobs = "https", "." + named.replace("dfs.", "blob.", 1)
    elif endpoint:
        place = _host(endpoint, "AZURE_STORAGE_CONNECTION_STRING")
        scheme, blobs = place.scheme, place.netloc.removeprefix(account)
    else:
        suffix = settings.get("EndpointSuffix")
        scheme, blobs = "https", f".blob.{suffix}" if suffix else AZURE_HOST
    files = blobs.replace(".blob.", ".dfs.", 1)
    return {"blob_storage_scheme": scheme, "blob_storage_authority": blobs,
            "dfs_storage_scheme": scheme, "dfs_storage_authority": files}  # fmt: skip


def _built(name: str, scheme: str) -> Any:
    """A filesystem that not every build of pyarrow has."""
    from pyarrow import fs

    try:
        return getattr(fs, name)
    except (AttributeError, ImportError) as error:
        raise ConfigError(
            f"the installed pyarrow cannot read {scheme}",
            "install pyarrow from PyPI (pip install -U pyarrow), 20 or newer",
        ) from error


HOSTS: dict[str, Callable[[str, Environment], list[str]]] = {"s3": _s3_hosts, "gs": _gs_hosts, "az": _az_hosts}
FAMILIES: dict[str, Callable[[str, Environment], Any]] = {"s3": _s3, "gs": _gs, "az": _az}
