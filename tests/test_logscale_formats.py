"""The forms that LogScale queries are written in: alerts for humioctl, packages, and the lists beside them."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.ir import Expr, InList, Not
from ruleengine.load import load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.target import Compiled, Ready
from ruleengine_logscale import TARGET
from ruleengine_logscale.lists import INLINE, files
from tests.conftest import CASES, ROOT
from tests.test_logscale import NOW_US, asked, check, ready, rows

FOLDER = CASES / "logscale"
FORMATS = {form.name: form for form in TARGET.formats}


def options(form: str, **given: str) -> dict[str, str]:
    return {name: default for name, (default, _) in FORMATS[form].options.items()} | given


def written_rules(folder: Path) -> list[tuple[Ready, Compiled]]:
    """Return the rules of the case file, as they are handed to a format."""
    report: list[Problem] = []
    found = load([str(FOLDER / "rules.yml")], report.append).rules
    assert report == []
    given = [Ready(one.rule, one.expr, f"{index}" * 64) for index, one in enumerate(found) if one.expr is not None]
    return [(one, TARGET.compile(one)) for one in given]


def test_alerts(tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    form = FORMATS["alert"]
    assert form.one is not None
    filters = [form.one(*each, options("alert", actions="mail, page")) for each in written_rules(tmp_path)]
    scheduled = {"kind": "scheduled", "interval": "5", "enabled": "false", "run_as": "abc"}
    text = "---\n".join([*filters, form.one(*written_rules(tmp_path)[0], options("alert", **scheduled))])
    for each, (one, compiled) in zip(yaml.safe_load_all(text), written_rules(tmp_path), strict=False):
        assert each["queryString"].endswith(compiled.text)
        assert one.digest[:12] in each["queryString"]
    golden(FOLDER / "alerts.yaml", text)


@pytest.mark.parametrize(
    "given",
    [{"kind": "live"}, {"enabled": "yes"}, {"kind": "scheduled", "interval": "7"}, {"throttle": "5m"}],
    ids=str,
)
def test_an_option_of_another_form_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    form = FORMATS["alert"]
    assert form.one is not None
    with pytest.raises(ValueError, match=list(given)[-1]):
        form.one(*written_rules(tmp_path)[0], options("alert", **given))


@pytest.mark.parametrize("kind", ["filter", "scheduled"])
def test_a_package(kind: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    many = FORMATS["package"].many
    assert many is not None
    rules = written_rules(tmp_path)
    made = many([*rules, rules[0]], options("package", kind=kind))
    assert made == many([*rules, rules[0]], options("package", kind=kind))
    with zipfile.ZipFile(io.BytesIO(made["ruleengine--rules--1.0.0.zip"])) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert len({yaml.safe_load(text)["name"] for name, text in texts.items() if name.startswith("queries")}) == 3
    golden(FOLDER / f"package-{kind}.txt", "".join(f"== {name}\n{text}" for name, text in texts.items()))
    with pytest.raises(ValueError, match="name"):
        many(rules, options("package", name="No"))


def test_a_package_has_the_lists_of_its_rules_beside_it() -> None:
    many = FORMATS["package"].many
    assert many is not None
    given = ready(InList("a", "bad hosts", tuple((f"h{number}.example.com", None) for number in range(INLINE + 1))))
    (package, lookup) = sorted(many([(given, TARGET.compile(given))], options("package")).items(), reverse=True)
    assert package[0].endswith(".zip") and lookup[0].startswith("lookup-files/ruleengine-bad-hosts-")
    assert len(rows(lookup[1])) == INLINE + 1


def test_importing_the_target_is_light() -> None:
    code = "import sys, ruleengine_logscale; print({'yaml', 'zipfile', 'ruleengine_logscale.query'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stdout == "set()\n"


ENVIRONMENT = {"PYTHONPATH": f"{ROOT}:{ROOT / 'backends'}"}


# --- lists ----------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(
        ["w0000", "W0042", "w499", f"w{INLINE:04}", "é1", "É1", "x 1", "10.0.0.9", "10.0.0.0/30", "late", ""]
    ),
    st.booleans(),
)
def test_a_long_list_becomes_a_file(value: str, negated: bool) -> None:
    entries = [(f"W{number:04}", None) for number in range(INLINE + 1)]
    odd = [("é1", None), ("10.0.0.0/29", None), ("late", NOW_US - 5_000_000), ("x 1", NOW_US + 5_000_000)]
    inner = InList("a", "known bad", (*entries, *odd))
    expr: Expr = Not(inner) if negated else inner
    (name,) = files([expr])
    compiled = TARGET.compile(ready(expr))
    assert f'match(file="{name}"' in compiled.text and "w0042" not in compiled.text.lower()
    assert check(expr, {"a": value}) == "bounded"
    assert holds(expr, Seen({"a": value}, NOW_US)) is asked(compiled, expr, {"a": value})


def test_lists_of_one_name_and_other_entries_are_other_files() -> None:
    lists = [InList("a", "l", tuple((f"{letter}{n}", None) for n in range(INLINE + 1))) for letter in "xy"]
    assert len(files(lists)) == 2
