"""The committed sample logs: what the generator writes, the same calls in three files, and what there is to find."""

import gzip
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from llmcost import config, demo, logs, tasks
from llmcost.demo import files, traffic
from llmcost.demo.meter import CACHE_MINIMUM, text_tokens
from llmcost.demo.scenario import prompt_key

SAMPLES = Path(__file__).parents[2] / "sample_logs"
HOUR = 3600 * traffic.SECOND


@pytest.fixture(scope="module")
def records():
    return traffic.traffic()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("samples")
    assert demo.write_logs(directory) == directory / "october.jsonl"
    return directory


@pytest.fixture(scope="module")
def read():
    names = (files.NESTED, files.FLAT, files.PARQUET)
    return {name: logs.read([str(SAMPLES / name)], call_site=tasks.call_site) for name in names}


@pytest.mark.parametrize("name", [files.NESTED, files.FLAT, "llmcost.toml", "README.md"])
def test_the_committed_files_are_what_the_generator_writes(written, name):
    # gzip by content: another zlib may pack the same rows into other bytes
    unpack = gzip.decompress if name.endswith(".gz") else bytes
    assert unpack((SAMPLES / name).read_bytes()) == unpack((written / name).read_bytes())


def test_the_committed_parquet_file_holds_the_table_that_the_generator_writes(written):
    assert pq.read_table(SAMPLES / files.PARQUET).equals(pq.read_table(written / files.PARQUET))


def test_the_same_seed_writes_the_same_bytes(records, written, tmp_path):
    files.write_all(traffic.traffic(), tmp_path)
    for path in written.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_seed_is_another_month(records):
    assert traffic.traffic(7)[:5] != records[:5]


def test_the_plain_file_stays_small(written):
    assert (written / files.NESTED).stat().st_size <= 10_500_000


def test_the_sample_configuration_is_valid_and_prices_what_no_catalogue_prices():
    settings = config.load(SAMPLES / "llmcost.toml")
    assert settings.replay.models == demo.CANDIDATES
    assert settings.replay.graders == demo.GRADERS[:1]
    assert settings.models["Qwen-MT-Turbo"].price is not None


def test_only_the_plain_file_has_corrupt_lines(read, records):
    found = {name: (log.records, log.rejected) for name, log in read.items()}
    count = len(records)
    assert found == {
        files.NESTED: (count + files.CORRUPT_LINES, files.CORRUPT_LINES),
        files.FLAT: (count, 0),
        files.PARQUET: (count, 0),
    }


@pytest.mark.parametrize("other", [files.FLAT, files.PARQUET])
def test_the_three_files_hold_the_same_calls(read, other):
    one, two = read[files.NESTED].calls, read[other].calls
    different = {"source", "position", "part", "latency_ms", "tags"}  # a place, seconds for milliseconds, other keys
    for name in set(one.table.schema.names) - different:
        assert one.labels(name) == two.labels(name), name
    assert one.labels("latency_ms") == pytest.approx(two.labels("latency_ms"), abs=1e-6)


@pytest.mark.parametrize("other", [files.FLAT, files.PARQUET])
def test_the_three_files_hold_the_same_answers(read, other):
    for one, two in zip(logs.bodies(read[files.NESTED].calls), logs.bodies(read[other].calls), strict=True):
        assert (one.answer, one.expected) == (two.answer, two.expected)
        assert one.request is not None
        assert two.request is not None
        assert one.request["messages"] == two.request["messages"]


def test_every_task_has_enough_distinct_prompts_for_its_claim(records):
    distinct = defaultdict(set)
    for record in records:
        distinct[record.metadata.get("task")].add(prompt_key(record.request["messages"]))
    least = {
        "support chat": 700, "classify": 700, "extract": 500, "code": 400, "summarize": 450, "translate": 450,
        "reason": 400, None: 30,
    }  # fmt: skip
    assert {task: len(prompts) for task, prompts in distinct.items() if len(prompts) < least[task]} == {}
    assert set(distinct) == set(least)


def test_the_month_is_october_with_days_weeks_and_nights(records):
    assert [record.time_us for record in records] == sorted(record.time_us for record in records)
    start = int(traffic.MONTH.timestamp()) * traffic.SECOND
    days = Counter((record.time_us - start) // (24 * HOUR) for record in records)
    assert set(days) == set(range(31))
    weekend = [days[day] for day in range(31) if (day + 3) % 7 >= 5]  # the first was a Thursday
    working = [days[day] for day in range(31) if (day + 3) % 7 < 5]
    assert sum(weekend) / len(weekend) < 0.6 * sum(working) / len(working)
    by_night = [r for r in records if r.metadata.get("task") == "summarize" and (r.time_us - start) // HOUR % 24 < 6]
    assert len(by_night) > 250


def test_there_is_something_to_find(records):
    answered = [record for record in records if record.status == 200]
    by_prompt = defaultdict(list)
    for record in answered:
        by_prompt[prompt_key(record.request["messages"])].append(record.time_us)
    within_the_hour = sum(later - sooner <= HOUR for times in by_prompt.values() for sooner, later in pairwise(times))
    assert within_the_hour > 300
    assert {record.status for record in records} == {200, 400, 429, 500, 503}
    assert Counter(record.wire for record in records).keys() == {"whole", "chunks", "sse"}
    assert sum(not record.metered for record in records) >= 10
    assert sum("tools" in record.request for record in records) >= 40
    assert sum(_cached(record) > 0 for record in answered) >= 50


def test_a_time_in_front_of_the_prompt_breaks_the_cache(records):
    timed = [record for record in records if record.request["messages"][0]["content"].startswith("Current time:")]
    assert len(timed) > 100
    assert {record.metadata["task"] for record in timed} == {"reason"}
    assert all(text_tokens(record.request["messages"][0]["content"]) >= CACHE_MINIMUM for record in timed)
    assert {_cached(record) for record in timed if record.status == 200} == {0}


def test_usage_is_about_a_token_in_four_bytes(records):
    for record in records:
        if record.status == 200:
            used = record.response["usage"]
            size = len(json.dumps(record.request, ensure_ascii=False).encode())
            assert 0.12 * size < used["prompt_tokens"] < 0.35 * size
            assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"]


def test_a_variant_moves_one_task_and_nothing_else(records):
    moved = traffic.variant(records, "classify", "gpt-4o")
    for before, after in zip(records, moved, strict=True):
        if before.metadata.get("task") != "classify":
            assert before is after
            continue
        assert after.request == {**before.request, "model": "gpt-4o"}
        assert after.response.get("model") in ("gpt-4o-2024-08-06", None)


def test_a_remix_changes_how_often_tasks_occur_and_no_call(records):
    before = by_task(records)
    remixed = traffic.remix(records, {"code": 2.5, "translate": 0.5})
    after = by_task(remixed)
    assert after["code"] == pytest.approx(2.5 * before["code"], rel=0.1)
    assert after["translate"] == pytest.approx(0.5 * before["translate"], rel=0.15)
    assert {task: after[task] for task in before if task not in ("code", "translate")} == {
        task: before[task] for task in before if task not in ("code", "translate")
    }
    ids = [record.response["id"] for record in remixed if "id" in record.response]
    assert len(set(ids)) == len(ids)


def _cached(record):
    return record.response.get("usage", {}).get("prompt_tokens_details", {}).get("cached_tokens", 0)


def by_task(records):
    return Counter(record.metadata.get("task", "") for record in records)
