"""What must hold for every format: its records are taken for no other's, and what holds them does not change them.

A new format joins with its fixture folder.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import odd

from llmcost import logs
from llmcost.logs.parser import SURE

FIXTURES = Path(__file__).parent / "fixtures"
FILES = sorted(FIXTURES.glob("*/in.*"))
LINES = [file for file in FILES if file.suffix == ".jsonl"]
# Formats whose sources are tables: a warehouse, a Postgres or ClickHouse database, a CSV or Parquet export.
TABLES = ["databricks", "helicone", "langfuse", "langsmith", "litellm", "tensorzero"]
BOOKKEEPING = ("source", "position", "part")


def named(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def read(file: Path) -> logs.Log:
    return logs.read([str(file)], call_site=lambda call: None)


def facts(log: logs.Log) -> list[dict[str, Any]]:
    table = log.calls.table.drop_columns(list(BOOKKEEPING))
    return [{**row, "tags": sorted(row["tags"])} for row in table.to_pylist()]


def records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_log_is_taken_for_what_it_is(file: Path) -> None:
    log = read(file)
    assert [source.format for source in log.calls.sources] == [file.parent.name]
    assert log.rejected == 0


@pytest.mark.parametrize("file", LINES, ids=named)
def test_no_format_is_sure_of_the_records_of_one_that_comes_after_it(file: Path) -> None:
    before = []
    for name, form in logs.known_formats().items():
        if name == file.parent.name:
            break
        before.append(form)
    thieves = {form.name for form in before for record in records(file) if form.detect((record,)) >= SURE}
    assert thieves == set()


@pytest.mark.parametrize("file", LINES, ids=named)
def test_documents_and_compression_do_not_change_what_is_read(file: Path, tmp_path: Path) -> None:
    expected = read(file)
    document = json.dumps(records(file), indent=1).encode()
    for name, content in {"log.json": document, "log.json.gz": gzip.compress(document)}.items():
        (tmp_path / name).write_bytes(content)
        other = read(tmp_path / name)
        assert facts(other) == facts(expected), name
        assert (other.records, other.passed_over) == (expected.records, expected.passed_over)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Path, list[dict[str, Any]]]:
    """A fixture with one value somewhere replaced by something of another kind, or left out."""
    file = draw(st.sampled_from(LINES))
    rows = records(file)
    holder: Any = draw(st.sampled_from(rows))
    while True:
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        inner = holder[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.booleans()):
            break
        holder = inner
    holder[key] = draw(
        st.sampled_from([None, "", "odd", 0, -1, 1e300, True, [], {}, [[]], [None], {"a": {}}, "[1", "{}"])
    )
    return file, rows


@odd
@given(damaged())
def test_a_value_of_another_kind_never_stops_the_reading(case: tuple[Path, list[dict[str, Any]]]) -> None:
    _, rows = case
    with TemporaryDirectory() as folder:
        log_file = Path(folder) / "log.jsonl"
        log_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        log = read(log_file)
        assert log.records == len(rows)
        assert log.rejected + log.passed_over <= len(rows)
        assert len(logs.bodies(log.calls)) == len(log.calls)


@pytest.mark.parametrize("name", TABLES)
def test_tables_do_not_change_what_is_read(name: str, tmp_path: Path) -> None:
    file = FIXTURES / name / "in.jsonl"
    expected = read(file)
    rows = [{key: cell(value) for key, value in record.items()} for record in records(file)]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / "log.csv").write_text(out.getvalue())
    table = {key: [None if row.get(key) is None else str(row[key]) for row in rows] for key in columns}
    pq.write_table(pa.table(table), tmp_path / "log.parquet", row_group_size=2)
    for path in (tmp_path / "log.csv", tmp_path / "log.parquet"):
        other = read(path)
        assert [source.format for source in other.calls.sources] == [name]
        assert facts(other) == facts(expected), path.name


def cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list | bool) else value
