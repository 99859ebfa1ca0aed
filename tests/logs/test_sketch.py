"""Sketches: what they depend on, what they do not, and how well they say how alike two texts are."""

from __future__ import annotations

import hashlib
import random
import string

import numpy as np
import pyarrow as pa
import pytest
import support.call_tables  # noqa: F401  (registers the hypothesis profile)
from hypothesis import given
from hypothesis import strategies as st

from llmcost.logs.sketch import sketches
from llmcost.minhash import SKETCH_BYTES, jaccard

TEXTS = st.lists(st.none() | st.text(max_size=40) | st.text("ab c1?é你", max_size=300), max_size=20)
WORDS = st.lists(st.text("abcdefgxyz0189", min_size=1, max_size=8), min_size=1, max_size=30)


@given(TEXTS, st.integers(0, 20))
def test_a_sketch_does_not_depend_on_its_batch(texts, cut):
    whole = sketches(texts).to_pylist()
    assert whole == sketches(texts[:cut]).to_pylist() + sketches(texts[cut:]).to_pylist()
    assert whole == [sketches([text])[0].as_py() for text in texts]


def test_nor_on_how_long_the_batch_is():
    texts = [f"question {n} about {n % 7} " + "very " * (n % 300) + "long" for n in range(2000)]
    made = sketches(texts)
    assert made.type == pa.binary(SKETCH_BYTES)
    assert [made[n].as_py() for n in (0, 999, 1999)] == [sketches([texts[n]])[0].as_py() for n in (0, 999, 1999)]
    assert len(set(made.to_pylist())) == 2000


@given(WORDS, st.lists(st.sampled_from([" ", ", ", "  ", "\n", " -- ", "! ", "\t", " \0", "\u3000", " “"]), min_size=1))
def test_case_punctuation_and_white_space_change_nothing(words, gaps):
    plain = " ".join(words)
    dressed = "".join(gaps[n % len(gaps)] + word.upper() for n, word in enumerate(words)) + " ?!"
    assert sketches([plain, dressed])[0] == sketches([plain, dressed])[1]
    assert jaccard(plain, dressed) == 1.0


def test_digits_and_letters_of_any_script_do():
    questions = ["order 123", "order 124", "Müller", "Möller", "你好吗", "他好吗", "a", "b", "on", "off", "👍", "👎"]
    assert len(set(sketches(questions).to_pylist())) == len(questions)
    assert sketches(["ÉCOLE"])[0] == sketches(["e\u0301cole"])[0]  # one letter, written in two ways


@pytest.mark.parametrize("nothing", [None, "", " ", "?!…", "\0", "\u3000。", "\ud800"])
def test_nothing_to_compare_is_null(nothing):
    assert sketches([nothing, "word", nothing]).is_null().to_pylist() == [True, False, True]
    assert jaccard(nothing or "", "word") == 0.0


def test_the_same_on_every_machine():
    texts = ["Where is my order 123?", "hi", "Grüße aus 北京", "x" * 5000, *map(str, range(500))]
    written = b"".join(sketches(texts).to_pylist())
    assert hashlib.sha256(written).hexdigest()[:16] == "3fbfd82243e0c773"


def test_equal_bytes_estimate_the_jaccard_index():
    draw = random.Random(5)
    pairs = [_pair(draw) for _ in range(2000)]
    exact = np.array([jaccard(*pair) for pair in pairs])
    ours, theirs = (np.array(sketches([pair[side] for pair in pairs]).to_pylist()) for side in (0, 1))
    equal = (ours.view(np.uint8) == theirs.view(np.uint8)).reshape(len(pairs), SKETCH_BYTES).mean(axis=1)
    off = (equal - 1 / 256) / (1 - 1 / 256) - exact
    assert abs(off.mean()) < 0.01
    assert off.std() < 0.055  # 64 independent permutations would have 0.05 on average


def _pair(draw: random.Random) -> tuple[str, str]:
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(2, 8))) for _ in range(draw.randint(8, 30))]
    other = [word if draw.random() < 0.85 else word[::-1] for word in words]
    return " ".join(words), " ".join(other)
