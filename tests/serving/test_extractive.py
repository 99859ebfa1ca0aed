"""Choosing sentences: word for word, in order, within the ratio by a sentence, and with what the question names."""

from __future__ import annotations

import importlib
import itertools
import socket
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import costly

from llmcost.errors import ConfigError
from llmcost.serving import extractive
from llmcost.serving.extractive import LONG, chosen, libraries, sentences
from llmcost.serving.protected import Named, named_by, size

LEASE = (
    "Dr. Smith let flat A-12 to the tenant on 2024-05-01. The weather was mild that spring. "
    "The deposit for the flat is 1,200 EUR. Many visitors liked the old harbour. "
    "The tenant has to pay the deposit before the key is handed over. Boats came and went. "
    "The deposit is paid back within 30 days. A band played by the water."
)
ANY_TEXT = st.text(st.characters() | st.sampled_from(' .!?\n\t\u2028\xa0\ud800`"“”1-中。é😀'), max_size=300)
WORDS = st.sampled_from(("lease", "deposit", "key", "flat", "12", "ORD-7", "rain", "must", "not", "中文"))
PROSE = st.lists(st.lists(WORDS, min_size=1, max_size=9), min_size=1, max_size=30).map(
    lambda told: " ".join(f"{' '.join(sentence).capitalize()}." for sentence in told)
)
RATIOS = st.floats(0.05, 0.95)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    libraries()  # so that no test waits for their first import


@given(ANY_TEXT)
def test_no_character_is_lost_between_sentences(text: str) -> None:
    assert "".join(sentences(text)) == text


def is_subsequence(pieces: list[str], short: str) -> bool:
    """Whether the text is some of the pieces in their order, tried out."""
    return any(
        "".join(itertools.compress(pieces, taken)) == short
        for taken in itertools.product((True, False), repeat=len(pieces))
    )


@given(PROSE.filter(lambda text: len(sentences(text)) <= 10), RATIOS, PROSE)
def test_what_is_chosen_is_sentences_word_for_word_in_their_order(text: str, ratio: float, question: str) -> None:
    assert is_subsequence(sentences(text), chosen(text, ratio, question, named_by(question)))


NUMBERED = st.lists(st.lists(WORDS, max_size=9), min_size=1, max_size=30).map(
    lambda told: [f"{' '.join(sentence)} end{place}. " for place, sentence in enumerate(told)]
)


@costly
@given(NUMBERED, RATIOS, PROSE)
def test_the_ratio_is_met_within_a_sentence(told: list[str], ratio: float, question: str) -> None:
    text = "".join(told)
    short = chosen(text, ratio, question, Named())
    left = ratio * size(text) - size(short)
    left_out = [sentence for sentence in sentences(text) if sentence not in short]
    assert left >= 0
    assert all(size(sentence) > left for sentence in left_out)


@given(ANY_TEXT, RATIOS, ANY_TEXT)
def test_no_text_comes_back_longer_than_the_ratio(text: str, ratio: float, question: str) -> None:
    assert size(chosen(text, ratio, question, Named())) <= ratio * size(text)


@costly
@given(PROSE, RATIOS, PROSE)
def test_what_the_question_names_is_kept_whatever_the_ratio(text: str, ratio: float, question: str) -> None:
    named = named_by(question).within(text)
    assert named.within(chosen(text, ratio, question, named_by(question))) == named


@costly
@given(PROSE, RATIOS, PROSE)
def test_the_same_sentences_are_chosen_every_time(text: str, ratio: float, question: str) -> None:
    assert chosen(text, ratio, question, Named()) == chosen(text, ratio, question, Named())


def test_sentences_about_the_question_are_chosen_before_the_others() -> None:
    short = chosen(LEASE, 0.5, "Within how many days is the deposit paid back?", Named())
    assert "The deposit is paid back within 30 days." in short
    assert "harbour" not in short and "Boats" not in short


def test_without_a_question_the_sentences_that_share_most_with_the_text_are_chosen() -> None:
    short = chosen(LEASE, 0.5, "", Named())
    assert short.count("deposit") >= 2
    assert "Boats came and went." not in short


def test_a_sentence_that_holds_what_is_named_is_kept_though_it_alone_is_more_than_the_ratio() -> None:
    short = chosen(LEASE, 0.05, "What about A-12?", named_by("What about A-12?"))
    assert short.strip() == "Dr. Smith let flat A-12 to the tenant on 2024-05-01."


def test_code_blocks_are_left_out_or_kept_as_a_whole() -> None:
    block = "```py\nprint('One. Two.')\n\nprint(3)\n```"
    assert sum(block in piece for piece in sentences(f"Look here. Run this:\n\n{block}\n\nIt prints. Done.")) == 1


def test_the_lines_of_a_long_log_can_be_left_out() -> None:
    log = "".join(f"12:00:{second:02} INFO worker {second} did its job\n" for second in range(60))
    assert len(log) > LONG
    assert sentences(log) == log.splitlines(keepends=True)


def test_a_text_that_is_split_in_blocks_is_cut_between_its_sentences() -> None:
    told = [f"This is sentence {number} of a very long paragraph. " for number in range(1000)]
    assert sentences("".join(told)) == told


@pytest.mark.parametrize(
    "text",
    ["第一句。第二句！第三句？", "Первое предложение. Второе предложение. Третье.", "क्या हुआ। कुछ नहीं। ठीक है।"],
)
def test_sentences_are_found_in_other_scripts(text: str) -> None:
    assert len(sentences(text)) == 3


@pytest.mark.parametrize("missing", ["sentencex", "bm25s"])
def test_without_the_libraries_the_error_says_how_to_install_them(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    monkeypatch.setattr(extractive, "import_module", absent)
    libraries.cache_clear()
    with pytest.raises(ConfigError, match=missing) as raised:
        chosen(LEASE, 0.5, "", Named())
    assert raised.value.hint == "pip install 'llmcost-cli[compress]'"
    monkeypatch.undo()
    assert chosen(LEASE, 0.5, "", Named())
