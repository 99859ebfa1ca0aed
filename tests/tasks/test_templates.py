"""Templates of lone prompts: found without text, in any order, and none where people typed."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from support import real_data
from support.call_tables import table
from support.examples import costly
from support.prompt_mix import FREE, TEMPLATES, mix
from support.scores import scores

from llmcost.calls import Call, Calls
from llmcost.config import TasksSettings
from llmcost.logs.opening import fingerprints, openings
from llmcost.tasks import assign
from llmcost.tasks.mined import UNREAD
from llmcost.tasks.templates import Mined, mine

WORDS = (
    "card", "refund", "parcel", "when", "why", "late", "broken", "invoice", "please", "account", "transfer", "shop",
    "blue", "help", "money", "order",
)  # fmt: skip


def typed(count: int, seed: int = 1) -> list[str]:
    """Sentences that nobody filled in."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 20))).capitalize() + "?" for _ in range(count)]


def mined(prompts: Sequence[str]) -> Mined:
    prints = np.frombuffer(openings(prompts).buffers()[1], "<u4").reshape(-1, 8)
    return mine(prints, np.array([xxhash.xxh3_64_intdigest(prompt.encode()) for prompt in prompts], np.uint64))


def test_templates_are_told_apart_and_questions_are_one_site() -> None:
    prompts, labels = mix(typed(3_000), each=80, free=800)
    codes = mined(prompts).codes.tolist()
    purity, ari, v = scores(labels, codes)
    assert purity > 0.99
    assert ari > 0.97
    assert v > 0.95
    found = defaultdict(set)
    for label, code in zip(labels, codes, strict=True):
        found[label].add(code)
    assert found[FREE] == {-1}
    split = {label for label, sites in found.items() if len(sites) > 1}
    assert split <= {"language filled in"}  # three languages, three ways in which the template goes on
    assert all(-1 not in found[label] for label in TEMPLATES)


def test_real_questions_have_no_template() -> None:
    with real_data.path("faq", "banking77_train.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert set(mined(texts).codes.tolist()) == {-1}
    prompts, labels = mix(texts, each=100, free=2_000)
    purity, ari, _ = scores(labels, mined(prompts).codes.tolist())
    assert purity > 0.99
    assert ari > 0.97


@costly
@given(st.randoms(use_true_random=False))
def test_neither_order_nor_copies_matter(rng: random.Random) -> None:
    prompts, _ = mix(typed(300), each=8, free=40)
    wanted = dict(zip(prompts, labels_of(prompts), strict=True))
    shuffled = prompts + rng.choices(prompts, k=50)
    rng.shuffle(shuffled)
    assert dict(zip(shuffled, labels_of(shuffled), strict=True)) == wanted


def labels_of(prompts: Sequence[str]) -> list[object]:
    found = mined(prompts)
    return [None if code < 0 else found.templates[code] for code in found.codes]


def test_copies_of_one_prompt_are_no_template() -> None:
    assert set(mined(["Summarize this article for me please: " + "word " * 40] * 500).codes.tolist()) == {-1}


def test_no_prompts() -> None:
    found = mined([])
    assert len(found.codes) == 0
    assert found.templates == ()


@given(st.lists(st.text() | st.none(), max_size=20))
def test_an_opening_depends_on_its_own_text_alone(texts: list[str | None]) -> None:
    column = openings(texts)
    assert column.to_pylist() == [None if text is None else fingerprints(text) for text in texts]
    assert all(value is None or len(value) == 32 for value in column.to_pylist())


def test_case_numbers_and_punctuation_do_not_count() -> None:
    assert fingerprints("Order A12 is late, or not?\nAnswer:") == fingerprints("order  b7 is LATE or not\nanswer")
    assert fingerprints("Order A12 is late") != fingerprints("Order A12 is early")
    assert fingerprints("") == fingerprints(" \n ") == bytes(32)


def test_the_middle_of_a_long_text_is_not_read() -> None:
    ends = "begin " * 60, " end" * 60
    assert fingerprints(ends[0] + "x " * 1_000 + ends[1]) == fingerprints(ends[0] + "y " * 90_000 + ends[1])


def calls_of(prompts: Sequence[str], **also: object) -> Calls:
    return table(
        [{"id": str(n), "prompt_key": xxhash.xxh3_128_digest(prompt.encode()), "opening": fingerprints(prompt),
          "messages": 1, "body_state": "full", **also}
         for n, prompt in enumerate(prompts)]
    )  # fmt: skip


class Reader:
    """Gives the bodies of calls, and counts them."""

    def __init__(self, prompts: Sequence[str]) -> None:
        self.prompts, self.read = prompts, 0

    def __call__(self, calls: Calls) -> list[Call]:
        self.read += len(calls)
        bodies = [self.prompts[int(number or 0)] for number in calls.labels("id")]
        return [Call(request={"messages": [{"role": "user", "content": body}]}) for body in bodies]


def test_names_are_words_of_the_static_part_and_one_prompt_a_template_is_read() -> None:
    prompts, labels = mix(typed(2_000), each=60, free=300)
    read = Reader(prompts)
    sites = assign(calls_of(prompts), TasksSettings(), read=read).labels("call_site")
    by_label = {
        label: Counter(site for site, of in zip(sites, labels, strict=True) if of == label) for label in TEMPLATES
    }
    assert read.read == len(set(sites) - {"untagged"})
    said = {label: counted.most_common(1)[0][0].partition("·")[0] for label, counted in by_label.items()}
    assert said["instruction first"] == "summarize article three bullet points"
    assert said["short instruction"] == "translate french"
    assert said["few-shot"] == "label support messages use exactly"
    assert said["name early"] == "write friendly email"
    assert said["json payload"] == "rank products id"
    assert said["chinese"].startswith("请把下面的客户留言翻译成英文")
    assert said["spanish"] == "clasifica el siguiente mensaje de"
    assert {site for site, label in zip(sites, labels, strict=True) if label == FREE} == {"untagged"}


def test_names_do_not_depend_on_the_order_of_the_log() -> None:
    prompts, _ = mix(typed(500), each=20, free=50)
    back = prompts[::-1]
    there = assign(calls_of(prompts), TasksSettings(), read=Reader(prompts)).labels("call_site")
    assert assign(calls_of(back), TasksSettings(), read=Reader(back)).labels("call_site") == there[::-1]


def test_without_bodies_a_template_is_told_but_not_named() -> None:
    prompts = [f"Summarize the following article in three short points: {text}" for text in typed(40)]
    (site,) = set(assign(calls_of(prompts), TasksSettings()).labels("task"))
    assert site is not None
    assert site.startswith(f"{UNREAD}·")


def test_the_turns_of_a_conversation_are_no_template() -> None:
    text = "My grandmother sent me forty dollars and now I wonder how to spend them on seven books in one go " * 3
    turns = [
        {"prompt_key": bytes([n] * 16), "opening": fingerprints(text), "messages": 1 + 2 * n, "body_state": "full"}
        for n in range(12)
    ]
    assert set(assign(table(turns), TasksSettings()).labels("call_site")) == {"untagged"}


def test_a_tagged_task_keeps_its_name_and_tells_its_templates_apart() -> None:
    prompts = [f"{start} the following message of a customer please: {text}" for text in typed(40)
               for start in ("Translate into French", "Summarize in five words")]  # fmt: skip
    calls = assign(calls_of(prompts, tags={"task": "texts"}), TasksSettings(), read=Reader(prompts))
    assert set(calls.labels("task")) == {"texts"}
    assert {site.partition("·")[0] for site in calls.labels("call_site") if site} == {
        "translate french message",
        "summarize five words message",
    }


def test_embeddings_are_a_site_of_their_own() -> None:
    rows = [{"operation": "embeddings"}, {"operation": "chat"}]
    assert assign(table(rows), TasksSettings()).labels("call_site") == ["embeddings", "untagged"]
