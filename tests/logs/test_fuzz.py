"""Whatever bytes a log holds: no crash, no hang, nothing lost. A fast part of `benchmarks/fuzz.py`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from support import forms
from support.accounting import accounted, accounted_alone
from support.mutations import DEPTH, SCALARS, Mutator, corpus, damaged

import llmcost
from llmcost import logs
from llmcost.errors import InputError

SHAPES = corpus()
EVERYTHING = [line for lines in SHAPES.values() for line in lines]
GOOD = b'{"model":"gpt-4o","prompt":"hi","response":"ho","prompt_tokens":1,"completion_tokens":1}'


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_mutated_lines_of_every_format_are_accounted_for(shape: str, tmp_path: Path) -> None:
    lines = list(Mutator(7, SHAPES[shape], EVERYTHING).lines(120))
    accounted(b"\n".join(lines), tmp_path / "log.jsonl")


def test_a_line_alone_is_calls_or_passed_over_or_rejected(tmp_path: Path) -> None:
    for line in Mutator(11, EVERYTHING, EVERYTHING).lines(150):
        accounted_alone(line, tmp_path / "log.jsonl")


def test_the_whole_audit_stands_what_reading_stands(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    lines = Mutator(13, EVERYTHING, EVERYTHING).lines(600)
    file.write_bytes(b"\n".join((GOOD, *lines)))
    found = llmcost.audit([str(file)], workspace=tmp_path / "workspace").result
    assert found.totals.calls > 0 and found.source.rejected > 0


@pytest.mark.parametrize(
    "odd",
    [
        b"\xff\xfe\x00", b"\x00" * 100, b"[" * DEPTH, b'{"model":' * DEPTH, b"[" * DEPTH + b"]" * DEPTH,
        b'{"model":"gpt-4o","prompt":"\\ud800","response":"x"}', b'{"model":"gpt-4o","prompt":"\xed\xa0\x80"}',
        b'{"model":"gpt-4o","prompt":"hi","response":"x","prompt_tokens":NaN}',
        b'{"model":"gpt-4o","prompt":"hi","response":"x","prompt_tokens":-Infinity,"cost":Infinity}',
        b'{"model":"gpt-4o","prompt":"hi","response":"x","prompt_tokens":1%b}' % (b"0" * 400),
        b'{"model":"gpt-4o","prompt":"hi","response":"x","latency_ms":1e999,"timestamp":1e300}',
        b'{"model":"gpt-4o","model":"other","prompt":"hi","response":"x"}', b'{"":"","model":{"":null}}',
        b'{"model":"%b","prompt":"hi","response":"x"}' % (b"m" * 1_000_000),
        b'{"model":"gpt-4o","prompt":"%b","response":"x"}' % (b"\\u00e9 " * 500_000),
        GOOD + GOOD, GOOD + b"," + GOOD, b"[" + GOOD + b"]", b"\xef\xbb\xbf" + GOOD, GOOD + b"\r",
        GOOD.replace(b"hi", b"a\xe2\x80\xa8b\xc2\x85c"), GOOD.replace(b"hi", b"a\x0cb\x1cc"), *SCALARS,
    ],
    ids=lambda odd: repr(odd[:40]),
)  # fmt: skip
def test_an_odd_line_takes_no_other_with_it(odd: bytes, tmp_path: Path) -> None:
    count = accounted(b"\n".join((GOOD, odd, b"", b" \t\r", GOOD)), tmp_path / "log.jsonl")
    assert count.records == 3 and count.places >= 2


def test_form_feeds_and_line_separators_inside_texts_end_no_line(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    text = "one\u2028two\u2029three\x85four"
    lines = [json.dumps({"model": "m", "prompt": f"{text} {n}", "response": "x"}, ensure_ascii=False) for n in range(3)]
    file.write_bytes("\r\n".join(lines).encode())
    log = logs.read([str(file)], call_site=lambda call: None)
    assert (log.records, len(log.calls), log.rejected) == (3, 3, 0)
    prompts = [call.request["messages"][0]["content"] for call in logs.bodies(log.calls) if call.request]
    assert prompts == [f"{text} {n}" for n in range(3)]


@pytest.mark.parametrize("form", sorted(forms.ALL))
def test_a_damaged_file_is_read_as_far_as_it_goes_or_refused_with_a_hint(form: str, tmp_path: Path) -> None:
    records = [{"model": "gpt-4o", "prompt": f"hi {n}", "response": "ho", "prompt_tokens": n} for n in range(40)]
    whole, choose, file = forms.ALL[form](records), random.Random(form), tmp_path / form
    for _ in range(25):
        file.write_bytes(damaged(whole, choose))
        try:
            log = logs.read([str(file)], call_site=lambda call: None)
        except InputError as refused:
            assert refused.hint
            continue
        assert len(log.calls) + log.passed_over + log.rejected == log.records
        assert len(logs.bodies(log.calls)) == len(log.calls)
