"""JUnit's XML, which every pipeline shows as tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import category


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    Attributes:
        name: What was looked at: ``SS004 the pod is killed before it has ended``.
        group: What it belongs to (``classname``): ``simsticky.lint``.
        failures: What failed: a short text and the whole; empty if it passed.
        skipped: Why nothing can be said; empty if something can.
        output: What else there is to say.
    """

    name: str
    group: str
    failures: tuple[tuple[str, str], ...] = ()
    skipped: str = ""
    output: str = ""


def to_junit(suite: str, cases: Iterable[Case]) -> str:
    """Return the tests of one suite as XML; no times and no dates, so that the same findings are the same bytes."""
    from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite
    from junitparser.junitparser import FinalResult

    whole = JUnitXml("simsticky")
    tests = TestSuite(suite)
    for case in cases:
        test = TestCase(_allowed(case.name), _allowed(case.group))
        results: list[FinalResult] = []
        for short, text in case.failures:
            failure = Failure(_allowed(short))
            failure.text = _allowed(text)
            results.append(failure)
        if case.skipped:
            results.append(Skipped(_allowed(case.skipped)))
        test.result = results
        if case.output:
            test.system_out = _allowed(case.output)
        tests.add_testcase(test)
    whole.add_testsuite(tests)
    whole.update_statistics()
    written = whole.tostring()
    return (written.decode("utf-8") if isinstance(written, bytes) else str(written)).rstrip("\n") + "\n"


def _allowed(text: str) -> str:
    """Return a text without what XML 1.0 cannot hold, which the writer would write all the same."""
    return "".join(
        letter if letter in "\t\n" or not (category(letter) in ("Cc", "Cs") or letter in "\ufffe\uffff") else "�"
        for letter in text
    )
