"""JUnit XML, as CI servers read it: a suite for cost and one for quality, a case for every limit that was held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from llmcost.gate.result import CheckResult, Rule
from llmcost.report.untrusted import visible

_LONGEST = 1_000
_SUITES: dict[str, Callable[[Rule], bool]] = {
    "cost": lambda rule: rule.rule != "quality",
    "quality": lambda rule: rule.rule == "quality",
}
_SAID = frozenset({"warned", "unsure"})


def junit(result: CheckResult) -> str:
    """The check as XML. It holds no time, so that the same check gives the same bytes."""
    root = Element("testsuites", name="llmcost check")
    suites = [_suite(name, [rule for rule in result.rules if of(rule)]) for name, of in _SUITES.items()]
    root.extend(suite for suite in suites if len(suite))
    for count in ("tests", "failures"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("errors", "0")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(name: str, rules: list[Rule]) -> Element:
    failed = sum(rule.outcome == "failed" for rule in rules)
    counts = {"tests": str(len(rules)), "failures": str(failed), "errors": "0", "skipped": "0", "time": "0"}
    suite = Element("testsuite", {"name": f"llmcost {name}"} | counts)
    suite.extend(_cases(name, rules))
    return suite


def _cases(suite: str, rules: list[Rule]) -> Iterator[Element]:
    for rule in rules:
        title = rule.rule.replace("_", " ") + (f": {rule.task}" if rule.task else "")
        case = Element("testcase", classname=f"llmcost.{suite}", name=_text(title), time="0")
        if rule.outcome == "failed":
            SubElement(case, "failure", message=_text(rule.said), type=rule.rule).text = _text(rule.said)
        if rule.outcome in _SAID:
            SubElement(case, "system-out").text = _text(f"{rule.outcome}: {rule.said}")
        yield case


def _text(text: str) -> str:
    """Text of a log without the characters that XML forbids; quoting is the writer's."""
    return visible(text, _LONGEST)
