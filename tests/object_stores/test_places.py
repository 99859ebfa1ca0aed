"""Which objects a URL means: folders, globs and keys of any characters, by the rules of local paths."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.object_store import S3Server

from llmcost import logs
from llmcost.errors import InputError
from llmcost.logs import files
from llmcost.logs.stores import fits, is_url, place_of
from llmcost.workspace import Workspace

LINE = json.dumps({"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}).encode() + b"\n"
KEYS = (
    "a.jsonl",
    "logs/2026/01/b.jsonl",
    "logs/2026/02/c.jsonl.gz",
    "logs/.hidden/d.jsonl",
    "logs/_tmp/e.jsonl",
    "logs/readme.txt",
    "logs/f.parquet",
    "logs2/g.jsonl",
    "logs/spaces and ü/100%25 %20.jsonl",
    "logs/[1].jsonl",
)


def found(s3: S3Server, *urls: str) -> list[str]:
    s3.put("acme-logs", dict.fromkeys(KEYS, LINE))
    return [url.removeprefix("s3://acme-logs/") for url in files.expand(urls)]


WHOLE = ["logs/2026/01/b.jsonl", "logs/2026/02/c.jsonl.gz", "logs/[1].jsonl", "logs/f.parquet",
         "logs/spaces and ü/100%25 %20.jsonl"]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "means"),
    [
        ("logs/", WHOLE),
        ("logs", WHOLE),
        ("", ["a.jsonl", *WHOLE, "logs2/g.jsonl"]),
        ("logs/2026/01/b.jsonl", ["logs/2026/01/b.jsonl"]),
        ("logs/readme.txt", ["logs/readme.txt"]),
        ("logs/spaces and ü/100%25 %20.jsonl", ["logs/spaces and ü/100%25 %20.jsonl"]),
        ("logs/[1].jsonl", ["logs/[1].jsonl"]),
        ("logs/*", ["logs/[1].jsonl", "logs/f.parquet", "logs/readme.txt"]),
        ("logs/*/*/*.jsonl*", ["logs/2026/01/b.jsonl", "logs/2026/02/c.jsonl.gz"]),
        ("logs/2026/0[2-9]/*", ["logs/2026/02/c.jsonl.gz"]),
        ("**/*.jsonl.gz", ["logs/2026/02/c.jsonl.gz"]),
        ("log*/?.*", ["logs/f.parquet", "logs2/g.jsonl"]),
        ("logs/.hidden/*", ["logs/.hidden/d.jsonl"]),
    ],
)
def test_a_url_means_these_objects(s3: S3Server, key: str, means: list[str]) -> None:
    assert found(s3, f"s3://acme-logs/{key}") == means


def test_each_object_is_read_once(s3: S3Server) -> None:
    assert found(s3, "s3://acme-logs/a.jsonl", "s3://acme-logs/*.jsonl", "s3://acme-logs/a.jsonl") == ["a.jsonl"]


def test_objects_are_read_beside_files(s3: S3Server, tmp_path: Path) -> None:
    (tmp_path / "local.jsonl").write_bytes(LINE)
    s3.put("acme-logs", {"ü %41?/100%.jsonl": LINE})
    log = logs.read(["s3://acme-logs/", str(tmp_path / "local.jsonl")], call_site=lambda call: None)
    assert log.files == ["s3://acme-logs/ü %41?/100%.jsonl", str(tmp_path / "local.jsonl")]
    assert len(logs.bodies(log.calls)) == 2


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://acme-logs/none.jsonl", "no such object: s3://acme-logs/none.jsonl"),
        ("s3://acme-logs/empty/", "no logs in s3://acme-logs/empty/"),
        ("s3://acme-logs/none/*.jsonl", "no object matches"),
        ("s3://acme-logs/a.jsonl/", "no logs in"),
        ("s3://acme-logs/a//b.jsonl", "cannot read"),
        ("s3://other-logs/a.jsonl", "no such bucket: s3://other-logs/a.jsonl"),
        ("s3://other-logs/", "no such bucket"),
        ("s3://other-logs/*.jsonl", "no such bucket"),
        ("s3:///a.jsonl", "no bucket"),
        ("s3://acme-*/a.jsonl", "no bucket"),
        ("https://example.com/a.jsonl?token=planted", "cannot read https:// URLs"),
    ],
)
def test_a_url_that_means_nothing_is_an_input_error(s3: S3Server, url: str, says: str) -> None:
    s3.put("acme-logs", {"a.jsonl": LINE, "empty/notes.txt": b"x"})
    with pytest.raises(InputError) as caught:
        files.expand([url])
    assert says in caught.value.message
    assert caught.value.hint
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["s3://id:planted@bucket/key", "s3://planted@bucket/x", "az://logs/a?sv=1&sig=planted",
            "s3://b/k?X-Amz-Signature=planted", "gs://user:planted@b/k"],
)  # fmt: skip
def test_secrets_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="credentials") as caught:
        place_of(url)
    assert "planted" not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "family", "path"),
    [
        ("s3://bucket/a/b.jsonl", "s3", "bucket/a/b.jsonl"),
        ("s3a://bucket/a/", "s3", "bucket/a"),
        ("S3://bucket", "s3", "bucket"),
        ("gs://bucket/a b%20.jsonl", "gs", "bucket/a b%20.jsonl"),
        ("az://container/a.jsonl", "az", "container/a.jsonl"),
        ("abfs://container@account.dfs.core.windows.net/a.jsonl", "az", "container/a.jsonl"),
        ("abfss://container@account.dfs.core.windows.net/", "az", "container"),
    ],
)
def test_the_parts_of_a_url(url: str, family: str, path: str) -> None:
    place = place_of(url)
    assert (place.family, place.path) == (family, path)
    assert place.sibling(f"{place.root}/x/y.jsonl") == "/".join([*url.split("/")[:3], "x/y.jsonl"])


@pytest.mark.parametrize("path", ["log.jsonl", "-", "a:b/c.jsonl", "C:\\logs\\a.jsonl", "./s3:/x", "logs/**"])
def test_a_local_path_is_no_url(path: str) -> None:
    assert not is_url(path)


def test_helpers_take_urls(tmp_path: Path) -> None:
    assert files.extension("s3://my.bucket/a.b/log.jsonl.gz") == ".jsonl"
    assert files.extension("s3://my.bucket/a.b/log") == ""
    workspace = Workspace(tmp_path / "w")
    workspace.remember_logs(["s3://b/logs/*.jsonl", "gs://b/c"], {})
    remembered = workspace.last_logs()
    assert remembered is not None
    assert remembered.paths == ("s3://b/logs/*.jsonl", "gs://b/c")


NAMES = st.sampled_from(["a", "b.jsonl", ".h", "ab", "a1"])
PATTERNS = st.sampled_from(["a", "*", "**", "?", "a*", "[ab]*", ".*", "*.jsonl", "b.jsonl"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=8), st.lists(PATTERNS, min_size=1, max_size=4))
def test_a_glob_matches_what_it_matches_on_disk(trees: list[list[str]], patterns: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = set()
        for parts in trees:
            file = Path(folder, *parts[:-1], f"f{parts[-1]}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
            made.add(tuple(file.relative_to(folder).parts))
        listed = (Path(path) for path in glob.glob("/".join((folder, *patterns)), recursive=True))  # noqa: PTH207
        local = {path.relative_to(folder).parts for path in listed if os.path.isfile(path)}  # noqa: PTH113
        assert {parts for parts in made if fits(parts, patterns)} == local
