"""Logs are fetched, and read by others, only where something may be sent; and no URL makes a key go elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import shop

from llmcost.endpoint.egress import egress
from llmcost.errors import ConfigError, InputError
from llmcost.logs import stores
from llmcost.logs.clouds import hosts

AWS = {"HOME": "/nowhere"}
AZURE = {"AZURE_STORAGE_ACCOUNT": "shop", "AZURE_STORAGE_SAS_TOKEN": "sig=planted"}
CONNECTION = "AccountName=shop;BlobEndpoint=https://shop.blob.storage.corp.example"


@pytest.mark.parametrize(
    ("family", "authority", "environment", "expected"),
    [
        ("s3", "logs", AWS, ["https://s3.amazonaws.com"]),
        ("s3", "logs", {**AWS, "AWS_REGION": "eu-west-1"}, ["https://s3.eu-west-1.amazonaws.com"]),
        ("s3", "logs", {**AWS, "AWS_REGION": "cn-north-1"}, ["https://s3.cn-north-1.amazonaws.com.cn"]),
        ("s3", "logs", {**AWS, "AWS_ENDPOINT_URL": "http://minio.corp:9000"}, ["http://minio.corp:9000"]),
        ("gs", "logs", {}, ["https://storage.googleapis.com"]),
        ("gs", "logs", {"STORAGE_EMULATOR_HOST": "127.0.0.1:4443"}, ["http://127.0.0.1:4443"]),
        ("az", "c", AZURE, ["https://shop.blob.core.windows.net", "https://shop.dfs.core.windows.net"]),
        ("az", "c@shop.dfs.core.windows.net", {}, ["https://shop.blob.core.windows.net", "https://shop.dfs.core.windows.net"]),
        ("az", "c", {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION},
         ["https://shop.blob.storage.corp.example", "https://shop.dfs.storage.corp.example"]),
    ],
)  # fmt: skip
def test_who_is_asked_for_a_bucket(
    family: str, authority: str, environment: dict[str, str], expected: list[str]
) -> None:
    assert hosts(family, authority, environment) == expected


@pytest.mark.parametrize(
    "authority",
    ["c@evil.example", "c@shop.evil.example", "c@shop.dfs.core.windows.net.evil.example", "c@evilcore.windows.net",
     "c@evil.org?.core.windows.net", "c@evil.org#.core.windows.net", "c@evil.org@.core.windows.net",
     "c@evil.org\\.core.windows.net"],
)  # fmt: skip
def test_no_url_has_a_storage_key_sent_to_a_host_of_its_own(authority: str) -> None:
    with pytest.raises(ConfigError) as refused:
        hosts("az", authority, AZURE)
    assert "planted" not in f"{refused.value.message} {refused.value.hint}"


def test_a_store_that_is_not_allowed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    paths = ["local.jsonl", "s3://logs/october.jsonl"]
    stores.require(paths, egress(None))
    stores.require(paths, egress(["*.amazonaws.com"]))
    with pytest.raises(ConfigError, match=r"s3\.eu-west-1\.amazonaws\.com may not be talked to"):
        stores.require(paths, egress(["s3.eu-west-2.amazonaws.com"]))
    with pytest.raises(InputError):
        stores.require(["https://evil.example/log"], egress(None))


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "s3://logs/october.jsonl"),
        ("simulate", "gs://logs/october.jsonl", "--cache", "1h"),
        ("audit", "log.jsonl", "--engine", "dask", "--scheduler", "tcp://cluster.example:8786"),
        ("audit", "log.jsonl", "--engine", "dask", "--scheduler", "cluster.example:8786"),
        ("prices", "update"),
        ("audit", "log.jsonl", "--name-with", "tiny", "--base-url", "https://api.vendor.example/v1"),
        ("replay", "log.jsonl", "--models", "tiny", "--base-url", "https://api.vendor.example/v1", "--dry-run"),
        ("replay", "log.jsonl", "--models", "tiny", "--base-url", "https://allowed.example/v1", "--allow-host", "x.y"),
    ],
)
def test_every_command_keeps_to_what_the_configuration_allows(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shop.write_log(tmp_path / "log.jsonl", 8)
    (tmp_path / "llmcost.toml").write_text(f'{shop.CONFIG}[egress]\nallow_hosts = ["allowed.example"]\n')
    outcome = shop.run_here(*arguments, cwd=tmp_path, env={"AWS_REGION": "eu-west-1", "HOME": str(tmp_path)})
    assert outcome.returncode == 2, outcome.stderr
    assert "may not be talked to: only " in outcome.stderr and "nothing was sent" in outcome.stderr
