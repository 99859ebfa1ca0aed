"""A baseline, prices and settings that a stranger wrote: used, or refused with the place and the reason."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import checks

from llmcost import config, gate, pricing
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.errors import ConfigError, InputError

Change = Callable[[dict[str, Any]], Any]


def whole() -> dict[str, Any]:
    made = gate.baseline(checks.log(checks.MONTH), stamp=checks.STAMP, version="0.1.0")
    found: dict[str, Any] = json.loads(gate.to_text(made))
    return found


def with_task(**changed: Any) -> bytes:
    found = whole()
    found["tasks"][0] |= changed
    return json.dumps(found).encode()


BASELINES = {
    "nothing": b"", "a list": b"[]", "half of one": json.dumps(whole()).encode()[:200], "no JSON": b"\x80\x04K\x01.",
    "a pickle": b"cos\nsystem\n(S'touch pwned'\ntR.", "deep": b'{"schema":' + b"[" * 100_000,
    "deep and whole": b'{"schema":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "not a number": with_task(cost_usd="NaN"), "without end": with_task(cost_usd="Infinity"),
    "out of bounds": with_task(cost_usd="1e999999999"), "negative": with_task(cost_usd="-1"),
    "a million digits": with_task(cost_usd="9" * 1_000_000), "no count": with_task(calls=-1),
    "a count beyond 64 bits": with_task(calls=10**400),
    "a count of all digits": with_task().replace(b'"calls": 900', b'"calls": %b' % (b"9" * 9_999)),
    "a NaN of JSON": with_task().replace(b'"calls": 900', b'"calls": NaN'),
    "half a character": with_task(task="\ud800"), "a newer one": b'{"schema": "llmcost.baseline/%s"}' % (b"9" * 5_000),
    "an odd number": '{"schema": "llmcost.baseline/²"}'.encode(),
    "a digit of elsewhere": '{"schema":"llmcost.baseline/٣"}'.encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_that_is_none_is_refused_with_its_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_bytes(BASELINES[name])
    began = time.perf_counter()
    with pytest.raises(InputError, match=r"base\.json") as refused:
        gate.read(file)
    assert refused.value.hint and len(refused.value.message) < 2_000
    assert time.perf_counter() - began < 2


def test_a_baseline_of_a_gigabyte_is_not_held(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    with file.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(InputError, match="larger than 64 MB"):
        gate.read(file)


NO_BOOKS = {
    "empty": b"",
    "no gzip": b"no gzip",
    "an object": gzip.compress(b"{}"),
    "a bomb": gzip.compress(bytes(1 << 20)) * 80,
    "deep": gzip.compress(b"[" * 100_000),
    "cut off": gzip.compress(b'{"as_of":"x"}')[:-4],
}


@pytest.mark.parametrize("content", NO_BOOKS.values(), ids=NO_BOOKS)  # names, because gzip notes the time
def test_a_price_file_that_is_none_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"prices\.json\.gz: not a price book"):
        pricing.load(path=file)


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.0])
def test_a_price_is_an_amount(price: float) -> None:
    with pytest.raises(ConfigError, match="a price is a number of dollars"):
        pricing.load({"m": ModelSettings(price=ModelPriceOverride(input=price, output=1.0))})


@pytest.mark.parametrize("text", ["x = = 1", "[models.m]\nprice = { input = 1e999, output = [] }", "a" * 10_000,
                                  "x = " + "9" * 10_000, "[logs]\npaths = 1", "x = " + "[" * 5_000,
                                  "[models.m]\nunknown = 1", "\x00"])  # fmt: skip
def test_a_configuration_that_is_none_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "llmcost.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"llmcost\.toml"):
        config.load(file)
