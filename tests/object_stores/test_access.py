"""How stores are reached: what the environment names and nothing else; what is refused is said without secrets."""

from __future__ import annotations

import json
import socket
import traceback
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.fs
import pytest
from support import shop
from support.object_store import KEY_ID, SECRET, S3Server

from llmcost.errors import ConfigError, InputError, LLMCostError
from llmcost.logs import clouds, files
from llmcost.logs.store_errors import explained

LINE = json.dumps({"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}).encode() + b"\n"
AZURE_KEY = "cGxhbnRlZC1zZWNyZXQtcGxhbnRlZC1zZWNyZXQ="


@pytest.fixture
def dead() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """With what each S3 client is made, and whether it may ask the machine for credentials; Amazon is not asked."""
    clients: list[dict[str, Any]] = []

    def client(**options: Any) -> str:
        clients.append({**options, "metadata": clouds.os.environ.get("AWS_EC2_METADATA_DISABLED") != "true"})
        return "client"

    monkeypatch.setattr(pyarrow.fs, "S3FileSystem", client)
    monkeypatch.setattr(pyarrow.fs, "resolve_s3_region", lambda bucket: f"region-of-{bucket}")
    clouds._s3_system.cache_clear()
    return clients


def everything(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(getattr(error, "hint", ""))


def refused(url: str, kind: type[LLMCostError] = InputError) -> LLMCostError:
    with pytest.raises(kind) as caught:
        for path in files.expand([url]):
            files.identity(path)
    for secret in (SECRET, KEY_ID, AZURE_KEY):
        assert secret not in everything(caught.value)
    assert caught.value.hint
    return caught.value


def test_wrong_credentials(s3: S3Server) -> None:
    s3.put("acme-logs", {"a.jsonl": LINE})
    s3.let_unsigned_in(0)
    for url in ("s3://acme-logs/a.jsonl", "s3://acme-logs/", "s3://acme-logs/*.jsonl"):
        error = refused(url)
        assert error.message.startswith("not allowed to read s3://acme-logs/")
        assert "AWS_ACCESS_KEY_ID" in str(error.hint)


def test_without_credentials_requests_are_not_signed(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put("acme-logs", {"a.jsonl": LINE})
    s3.asked.clear()
    files.identity("s3://acme-logs/a.jsonl")
    assert all(asked.signed for asked in s3.asked)
    s3.asked.clear()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    files.identity("s3://acme-logs/a.jsonl")
    assert s3.asked
    assert not any(asked.signed for asked in s3.asked)


def test_keys_of_a_profile_are_used(s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    s3.put("acme-logs", {"a.jsonl": LINE})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    (tmp_path / "keys").write_text(f"[work]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-west-3\n[profile work]\nservices = near\n"
        f"[services near]\ns3 =\n  endpoint_url = {s3.url}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    s3.asked.clear()
    files.identity("s3://acme-logs/a.jsonl")
    assert s3.asked
    assert all(asked.signed for asked in s3.asked)


@pytest.mark.parametrize("url", ["s3://acme-logs/a.jsonl", "s3://acme-logs/", "gs://acme-logs/a.jsonl"])
def test_a_dead_endpoint(s3: S3Server, dead: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", dead)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", dead.removeprefix("http://"))
    monkeypatch.setattr(clouds, "RETRY", clouds.timedelta(seconds=1))
    clouds._gs_system.cache_clear()
    assert refused(url).message.startswith(f"cannot reach the store of {url}")


def test_a_server_that_never_answers(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "ANSWER_SECONDS", 1)
    monkeypatch.setattr(clouds, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert refused("s3://acme-logs/a.jsonl").message.startswith("cannot reach")


def test_the_command_line_says_it_without_secrets(s3: S3Server, tmp_path: Path) -> None:
    s3.put("acme-logs", {"a.jsonl": LINE})
    s3.let_unsigned_in(0)
    outcome = shop.run_here("audit", "s3://acme-logs/a.jsonl", cwd=tmp_path, env={"LLMCOST_DEBUG": "1"})
    assert outcome.returncode == 3
    assert "not allowed to read s3://acme-logs/a.jsonl" in outcome.stderr
    assert SECRET not in outcome.stderr and KEY_ID not in outcome.stderr


def test_with_an_endpoint_of_ones_own_amazon_is_asked_nothing(
    alone: None, made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://minio.example:9000/")
    clouds.filesystem("s3", "acme-logs")
    [options] = made
    assert (options["scheme"], options["endpoint_override"]) == ("https", "minio.example:9000")
    assert (options["region"], options["metadata"]) == ("us-east-1", False)
    assert "AWS_EC2_METADATA_DISABLED" not in clouds.os.environ


def test_at_amazon_the_region_of_the_bucket_is_asked_for_unless_it_is_known(
    alone: None, made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds.filesystem("s3", "acme-logs")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    clouds.filesystem("s3", "acme-logs")
    assert [options["region"] for options in made] == ["region-of-acme-logs", "eu-west-3"]
    assert all("endpoint_override" not in options and options["metadata"] for options in made)


def test_new_keys_make_a_new_client(alone: None, made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    for secret in (SECRET, "rotated", "rotated"):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        clouds.filesystem("s3", "acme-logs")
    assert [options["secret_key"] for options in made] == [SECRET, "rotated"]
    assert SECRET not in repr(clouds._S3("b", None, None, None, (), (KEY_ID, SECRET, "")))


@pytest.mark.parametrize("address", ["minio:9000", "ftp://x", "http://id:planted@x", "http://:1", "http://x:nine"])
def test_an_endpoint_that_is_no_address(alone: None, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    error = refused("s3://acme-logs/a.jsonl", ConfigError)
    assert "AWS_ENDPOINT_URL" in error.message
    assert "planted" not in everything(error)


def test_a_damaged_aws_configuration(alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(f"{SECRET}\n[default\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    refused("s3://acme-logs/a.jsonl", ConfigError)


def test_azure_needs_an_account(alone: None) -> None:
    assert "AZURE_STORAGE_ACCOUNT" in str(refused("az://logs/a.jsonl", ConfigError).hint)


def test_an_azure_key_that_is_none(alone: None, dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"AccountName=acme;BlobEndpoint={dead}/acme;AccountKey={SECRET}#"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    assert "AZURE_STORAGE_KEY" in str(refused("az://logs/a.jsonl").hint)


@pytest.mark.parametrize("kind", [OSError, ValueError, FileNotFoundError, pyarrow.ArrowException])
@pytest.mark.parametrize("text", ["Could not connect to", "cannot do:", "AWS Error UNKNOWN at"])
def test_the_text_of_a_store_is_not_repeated(kind: type[Exception], text: str) -> None:
    with pytest.raises(InputError) as caught, explained("az://logs/a.jsonl", "az"):
        raise kind(f"{text} https://acme.blob.core.windows.net/logs?sig={SECRET}")
    assert SECRET not in everything(caught.value)
    assert caught.value.hint


AZURE_HOSTS = {
    "": ("https", ".blob.core.windows.net", ".dfs.core.windows.net"),
    "EndpointSuffix=core.chinacloudapi.cn": ("https", ".blob.core.chinacloudapi.cn", ".dfs.core.chinacloudapi.cn"),
    "BlobEndpoint=http://127.0.0.1:10000/acme": ("http", "127.0.0.1:10000", "127.0.0.1:10000"),
    "BlobEndpoint=https://acme.blob.example.net": ("https", ".blob.example.net", ".dfs.example.net"),
}


@pytest.mark.parametrize("text", AZURE_HOSTS)
@pytest.mark.parametrize("authority", ["logs", "logs@other.dfs.core.windows.net"])
def test_where_azure_is(alone: None, text: str, authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[dict[str, Any]] = []
    monkeypatch.setattr(pyarrow.fs, "AzureFileSystem", lambda **options: clients.append(options), raising=False)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"AccountName=acme;AccountKey={AZURE_KEY};{text}")
    clouds._az_system.cache_clear()
    clouds.filesystem("az", authority)
    clouds._az_system.cache_clear()
    [options] = clients
    named = "@" in authority
    assert options["account_name"] == ("other" if named else "acme")
    hosts = tuple(
        options[f"{name}"] for name in ("blob_storage_scheme", "blob_storage_authority", "dfs_storage_authority")
    )
    assert hosts == AZURE_HOSTS["" if named else text]


@pytest.mark.parametrize(("family", "name"), [("gs", "GcsFileSystem"), ("az", "AzureFileSystem")])
def test_a_pyarrow_without_a_store(alone: None, family: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    monkeypatch.delattr(pyarrow.fs, name, raising=False)
    clouds._gs_system.cache_clear()
    clouds._az_system.cache_clear()
    with pytest.raises(ConfigError, match=f"cannot read {family}://"):
        clouds.filesystem(family, "logs")
