"""Google's and Microsoft's stores: the same rules; Google's against a small server of ours, Azure's against Azurite."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.gs_server import gs_server

from llmcost import logs
from llmcost.errors import InputError
from llmcost.logs import files

LINE = json.dumps({"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}).encode() + b"\n"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # public
AZURITE = ("azurite-blob", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry")


def parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([json.loads(LINE)] * 3), written)
    return written.getvalue()


OBJECTS = {
    "logs/a.jsonl": LINE * 30_000,
    "logs/b.jsonl.gz": gzip.compress(LINE * 4),
    "logs/c.parquet": parquet(),
    "logs/.hidden/d.jsonl": LINE,
    "logs/spaces and ü/100%25.jsonl": LINE,
}


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("buckets")
    for key, content in OBJECTS.items():
        file = folder / "acme" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with gs_server(folder) as address:
        yield address


@pytest.fixture(scope="module")
def azure() -> Iterator[str]:
    if shutil.which(AZURITE[0]) is None:
        pytest.skip("needs Azurite: npm install -g azurite")
    with subprocess.Popen(AZURITE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = (re.search(r"listens on http://127\.0\.0\.1:(\d+)", line) for line in server.stdout)
        port = next(match[1] for match in said if match)
        try:
            fill(f"127.0.0.1:{port}")
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(params=["gs", "az"])
def store(request: pytest.FixtureRequest, alone: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bucket that holds the objects."""
    if request.param == "gs":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", request.getfixturevalue("google"))
        return "gs://acme"
    address = request.getfixturevalue("azure")
    account = f"AccountName=devstoreaccount1;AccountKey={AZURITE_KEY}"
    text = f"{account};BlobEndpoint=http://{address}/devstoreaccount1"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    return "az://acme"


def fill(address: str) -> None:
    from pyarrow.fs import AzureFileSystem

    hosts = {f"{kind}_storage_{part}": value
             for kind in ("blob", "dfs") for part, value in (("scheme", "http"), ("authority", address))}  # fmt: skip
    system = AzureFileSystem("devstoreaccount1", account_key=AZURITE_KEY, **hosts)
    system.create_dir("acme")
    for key, content in OBJECTS.items():
        with system.open_output_stream(f"acme/{key}", compression=None) as stream:
            stream.write(content)


def test_folders_globs_and_keys(store: str) -> None:
    log_keys = [f"{store}/{key}" for key in OBJECTS if "hidden" not in key]
    assert files.expand([f"{store}/logs/"]) == files.expand([store]) == log_keys
    assert files.expand([f"{store}/**/*.jsonl"]) == [log_keys[0], log_keys[3]]
    assert files.expand([f"{store}/logs/?.jsonl*"]) == log_keys[:2]
    assert files.expand([log_keys[3]]) == [log_keys[3]]


def test_what_is_read_is_what_is_there(store: str) -> None:
    with files.open_bytes(f"{store}/logs/a.jsonl", None) as stream:
        assert stream.read() == OBJECTS["logs/a.jsonl"]
        stream.seek(len(LINE) * 20_000)
        assert stream.readline() == LINE
    log = logs.read([f"{store}/logs/b.jsonl.gz", f"{store}/logs/c.parquet"], call_site=lambda call: None)
    assert [call.answer.text for call in logs.bodies(log.calls) if call.answer] == ["On its way."] * 7
    identity = files.identity(f"{store}/logs/a.jsonl")
    assert identity.size == len(OBJECTS["logs/a.jsonl"])
    assert identity.version


@pytest.mark.parametrize(
    ("key", "says"),
    [("/none.jsonl", "no such object"), ("/none/", "no logs in"), ("/none/*", "no object"), ("2/a", "no such bucket"),
     ("2/", "no such bucket")],
)  # fmt: skip
def test_what_is_not_there(store: str, key: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        files.expand([store + key])
    assert caught.value.hint


def test_another_key_for_azure(azure: str, alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = f"AAAA{AZURITE_KEY[4:]}"
    text = f"AccountName=devstoreaccount1;AccountKey={wrong};BlobEndpoint=http://{azure}/devstoreaccount1"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    with pytest.raises(InputError, match="not allowed to read") as caught:
        files.expand(["az://acme/logs/"])
    assert wrong not in str(caught.value) + repr(caught.value.__context__)
