"""A run as JUnit XML, so that a CI server shows each case and each line of the gate."""

import re
from xml.etree import ElementTree as ET

from backbot.evaluation.run import Run

# XML 1.0 cannot hold these, and a hostile question may.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(run: Run) -> str:
    """One test case for each line of the gate, one for each case; a crash is an error, anything else wrong a failure."""
    root = ET.Element("testsuites", name="backbot eval")
    gate = ET.SubElement(root, "testsuite", name=f"{_clean(run.suite)}: gate")
    for line in run.gate:
        case = ET.SubElement(gate, "testcase", classname="gate", name=line.limit.metric)
        text = f"{line.figure.title}: wanted {line.limit}, found {line.figure}"
        if line.judged.verdict == "FAIL":
            ET.SubElement(case, "failure", message=_clean(f"{text}; {line.judged.reason}"))
        elif line.judged.verdict != "PASS":
            ET.SubElement(case, "skipped", message=_clean(f"{text}; {line.judged.reason}"))
    cases = ET.SubElement(root, "testsuite", name=f"{_clean(run.suite)}: cases")
    for result in run.cases:
        seconds = sum(run.times.by_case.get(result.case.id, ()))
        attributes = {
            "classname": _clean(result.case.topic or "case"),
            "name": _clean(result.case.id),
            "time": f"{seconds:.3f}",
        }
        case = ET.SubElement(cases, "testcase", attributes)
        if not result.is_right:
            crashed = any(answer.error for answer in result.answers)
            ET.SubElement(case, "error" if crashed else "failure", message=_clean(result.reasons))
    for suite in (gate, cases):
        suite.set("tests", str(len(suite)))
        for kind in ("failure", "error", "skipped"):
            plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]
            suite.set(plural, str(sum(child.find(kind) is not None for child in suite)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
