"""`compile`: formats, folders, manifests, refusals, and committed queries that must not be stale."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ruleengine.cli import verify
from ruleengine.cli.help_targets import page
from ruleengine.cli.main import guarded
from ruleengine_oracles.asked import Splunk
from tests.conftest import CASES, ROOT

GIVEN = CASES / "compile"
Golden = Callable[[Path, str], None]
Said = tuple[int, str, str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a few rules, some of which a SIEM cannot say."""
    shutil.copytree(GIVEN / "rules", tmp_path / "rules")
    (tmp_path / "ruleengine.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def call(*words: str) -> Said:
        capsys.readouterr()
        code = guarded(words)
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_page_of_targets_is_not_stale(golden: Golden) -> None:
    golden(ROOT / "docs" / "targets.md", page())


@pytest.mark.parametrize("how", ["plain", "strict", "explain", "explain_json", "accepted"])
def test_what_is_said(how: str, project: Path, run: Callable[..., Said], golden: Golden) -> None:
    words = {
        "plain": ["rules/keyword.yml", "rules/plain.yml", "-t", "splunk", "-t", "logscale"],
        "strict": ["rules/keyword.yml", "rules/plain.yml", "-t", "splunk", "--strict"],
        "explain": ["rules", "-t", "splunk", "-t", "python", "--explain"],
        "explain_json": ["rules/plain.yml", "-t", "splunk", "--explain", "--format", "ndjson"],
        "accepted": ["rules/accepted.yml", "-t", "splunk", "--strict"],
    }[how]
    code, out, err = run("compile", *words)
    golden(GIVEN / f"{how}.txt", f"{out}--- stderr\n{err}exit code {code}\n")


def test_a_folder_mirrors_the_rules_and_is_the_same_each_time(project: Path, run: Callable[..., Said]) -> None:
    every = ["compile", "rules", "-t", "splunk", "-t", "logscale", "-t", "python"]
    assert run(*every, "-o", "one")[0] == 3, "one rule cannot be said, and the exit code says so"
    assert run(*every, "-o", "two")[0] == 3
    assert files(project / "one") == files(project / "two")
    manifest = json.loads((project / "one" / "manifest.json").read_text("utf-8"))
    rows = manifest["queries"]
    assert {row["target"] for row in rows} == {"splunk", "logscale", "python"}
    listed = {row["file"] for row in rows if row["file"]}
    assert listed == files(project / "one").keys() - {"manifest.json"}
    assert "splunk/rules/plain.spl" in listed
    assert "python/rules/deep/several.first.py" in listed, "a file of several rules has a query for each"
    refused = [row for row in rows if row["file"] is None]
    assert {(row["target"], row["title"]) for row in refused} == {("splunk", "One Field Holds Another")}
    assert all(row["limits"] and row["fidelity"] == "unsupported" for row in refused)
    assert len({row["digest"] for row in rows}) == len({row["title"] for row in rows})


def test_committed_queries_must_not_be_stale(project: Path, run: Callable[..., Said]) -> None:
    words = ["compile", "rules/plain.yml", "rules/deep", "-t", "splunk"]
    assert run(*words, "--check")[0] == 1, "nothing is there yet"
    assert run(*words, "-o", "target")[0] == 0
    assert run(*words, "--check")[0] == 0
    rule = project / "rules" / "plain.yml"
    rule.write_text(rule.read_text("utf-8") + "\n# a comment changes nothing\n", "utf-8")
    assert run(*words, "--check")[0] == 0
    rule.write_text(rule.read_text("utf-8").replace("whoami", "hostname"), "utf-8")
    code, _, err = run(*words, "--check")
    assert code == 1
    assert "target/splunk/rules/plain.spl RE905 it is not what its rule says now" in err
    assert "manifest.json RE905" in err
    assert run(*words, "-o", "target")[0] == 0
    rule.unlink()
    words.remove("rules/plain.yml")
    assert "plain.spl RE905 no rule makes it any more" in run(*words, "--check")[2]
    assert run(*words, "-o", "target")[0] == 0
    assert not (project / "target" / "splunk" / "rules" / "plain.spl").exists()
    assert run(*words, "--check")[0] == 0


def test_processes_beside_each_other_write_the_same(project: Path, run: Callable[..., Said]) -> None:
    words = ["compile", "rules", "-t", "splunk", "-t", "logscale", "-t", "python", "-o"]
    code, _, err = run(*words, "one")
    few = (
        "import sys; from ruleengine.compiling import together; together.FEW = 1; from ruleengine.cli.main import entry"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{few}; sys.argv[1:] = {[*words, 'two']!r}; entry()"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (code, err.replace("written to one", "written to two"))
    assert files(project / "one") == files(project / "two")


def test_a_file_that_the_manifest_does_not_know_is_left_alone(project: Path, run: Callable[..., Said]) -> None:
    own = project / "target" / "splunk" / "notes.txt"
    own.parent.mkdir(parents=True)
    own.write_text("ours", "utf-8")
    (project / "target" / "manifest.json").write_text('{"queries": [{"file": "../rules/plain.yml"}]}', "utf-8")
    assert run("compile", "rules/plain.yml", "-t", "splunk", "-o", "target")[0] == 0
    assert own.read_text("utf-8") == "ours"
    assert (project / "rules" / "plain.yml").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-t", "splnk"], "there is no target `splnk`\n  did you mean `splunk`?"),
        (["-t", "splunk:ap"], "the target `splunk` has no format `ap`\n  did you mean `app`?"),
        (["-t", "splunk", "-O", "cron=x"], "`splunk:query` has no option `cron`"),
        (["-t", "splunk", "-O", "cron"], "`-O cron` sets nothing"),
        (["-t", "splunk:savedsearches", "-o", "x", "-O", "cron=never"], "`-O cron=never` cannot be used"),
        (["-t", "logscale:alert", "-O", "enabled=perhaps"], "`enabled` is true or false, not `perhaps`"),
        (["-t", "splunk:app"], "`splunk:app` writes files for all rules together"),
        (["-t", "sigma:nowhere"], "there is no pySigma backend `nowhere`"),
        (["-p", "nowhere"], "no installed package has a pipeline `nowhere`"),
        (["-p", "nowhere.yml"], "nowhere.yml: the file cannot be read: No such file"),
        (["--explain", "--check"], "`--explain` writes no files"),
        (["-o", "x", "--format", "text"], "with `--output` queries are files"),
        (["-t", "splunk", "-t", "sigma:splunk", "-p", "sysmon"], "are compiled apart"),
    ],
)
def test_a_command_that_cannot_be_followed(
    words: list[str], sentence: str, project: Path, run: Callable[..., Said]
) -> None:
    code, out, err = run("compile", "rules/plain.yml", *words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_nothing_selected_is_never_a_pass(project: Path, run: Callable[..., Said]) -> None:
    assert run("compile", "rules", "tag:nothing", "-t", "splunk")[0] == 5


def test_a_rule_over_time_is_refused_and_the_rest_is_written(project: Path, run: Callable[..., Said]) -> None:
    rules = [str(ROOT / "rules" / "abuse" / "stuffing_ip.rule"), "rules/plain.yml"]
    code, out, err = run("compile", *rules, "-t", "splunk")
    assert (code, out) == (3, 'Image="*\\\\whoami.exe"\n')
    assert "RE904 a rule over time is not compiled yet" in err


# --- pipelines -----------------------------------------------------------------------------------------------------


def test_where_events_are_kept_is_for_queries_alone(project: Path, run: Callable[..., Said]) -> None:
    event = json.dumps({"process": {"executable": "C:\\Windows\\whoami.exe"}, "_category": "process_creation"})
    (project / "event.ndjson").write_text(event + "\n", "utf-8")
    through = ["-p", str(GIVEN / "kept.yml")]
    code, out, _ = run("compile", "rules/plain.yml", "-t", "splunk", "-t", "logscale", *through)
    assert code == 0
    assert out.count('index="windows"') == 1 and out.count("process.executable") == 2 and "Image" not in out
    code, out, _ = run("match", "event.ndjson", "--rules", "rules/plain.yml", *through, "--format", "ndjson")
    assert (code, len(out.splitlines())) == (0, 1)
    assert run("match", "event.ndjson", "--rules", "rules/plain.yml", "--format", "ndjson")[1] == ""
    assert " matches event.ndjson:1" in run("explain", "rules/plain.yml", "--event", "event.ndjson:1", *through)[1]
    code, out, _ = run("witness", "rules/plain.yml", *through, "--format", "events")
    assert code == 0 and "process.executable" in out and '"index"' not in out
    code, _, err = run("verify", "rules/plain.yml", *through)
    assert code == 0 and err.count("all agree") == 3


def test_places_stand_in_the_order_they_were_added(project: Path, run: Callable[..., Said]) -> None:
    more = (GIVEN / "kept.yml").read_text(
        "utf-8"
    ) + "  - {id: kind, type: add_condition, conditions: {sourcetype: x}}\n"
    (project / "more.yml").write_text(more, "utf-8")
    out = run("compile", "rules/plain.yml", "-t", "splunk", "-p", "more.yml")[1]
    assert out.index("index=") < out.index("sourcetype=") < out.index("process.executable")


def test_tests_go_through_pipelines_too(project: Path, run: Callable[..., Said]) -> None:
    (project / "rules" / "plain.test.yml").write_text(
        "version: 1\ntests:\n  - name: it fires\n    match: {process.executable: 'C:\\whoami.exe'}\n", "utf-8"
    )
    assert run("test", "rules/plain.test.yml")[0] == 1
    assert run("test", "rules/plain.test.yml", "-p", str(GIVEN / "kept.yml"))[0] == 0


def test_the_identity_of_a_meaning_has_the_pipeline_in_it(project: Path, run: Callable[..., Said]) -> None:
    def digest(*more: str) -> Any:
        return json.loads(run("compile", "rules/plain.yml", "-t", "splunk", "--format", "ndjson", *more)[1])["digest"]

    assert digest() != digest("-p", str(GIVEN / "kept.yml"))


def test_a_field_that_a_mapping_misses_is_told(project: Path, run: Callable[..., Said]) -> None:
    assert "RE917 `CommandLine` keeps its name" in run("compile", "rules/keyword.yml", "-p", str(GIVEN / "kept.yml"))[2]


def test_rows_are_printed_beside_files(project: Path, run: Callable[..., Said]) -> None:
    code, out, _ = run("compile", "rules/plain.yml", "-t", "splunk:app", "-o", "x", "--format", "ndjson")
    assert (code, json.loads(out)["fidelity"]) == (0, "exact")


def test_a_query_that_no_event_could_be_asked_of_is_never_a_pass(project: Path, run: Callable[..., Said]) -> None:
    rule = (project / "rules" / "plain.yml").read_text("utf-8").replace("Image|endswith", "host|endswith")
    (project / "rules" / "host.yml").write_text(rule, "utf-8")
    code, _, err = run("verify", "rules/host.yml", "-t", "splunk")
    assert (code, "nothing is shown; of 1 no event could be asked" in err) == (5, True), err
    code, _, err = run("verify", "rules", "tag:nothing", "-t", "splunk")
    assert (code, "nothing is shown" in err) == (5, True)


class Contrary:
    """An interpreter that says the opposite of the real one."""

    refusals = Splunk.refusals
    parse = staticmethod(Splunk.parse)

    @staticmethod
    def matches(query: Any, event: dict[str, Any], us: int) -> bool:
        return not Splunk.matches(query, event, us)


def test_a_difference_is_shown_and_is_a_finding(
    project: Path, run: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "oracle", lambda _: Contrary)
    code, out, err = run("verify", "rules/plain.yml", "-t", "splunk")
    assert (code, "1 differ" in err) == (1, True)
    assert 'Image="*\\\\whoami.exe"' in out and "the query does not find it" in out and "✓ selection" in out


# --- defects of other converters that show before a query is written -------------------------------------------------


def test_s9_a_back_reference_is_refused_and_not_renumbered(project: Path, run: Callable[..., Said]) -> None:
    rule = (project / "rules" / "plain.yml").read_text("utf-8")
    odd = rule.replace("Image|endswith: '\\whoami.exe'", "CommandLine|re: ['(a)\\1', y]")
    (project / "rules" / "odd.yml").write_text(odd, "utf-8")
    code, out, err = run("compile", "rules/odd.yml", "-t", "splunk", "-t", "logscale")
    assert (code, out) == (3, "")
    assert "RE207 a back reference does not mean the same in every target" in err


def test_l12_a_log_source_that_a_pipeline_has_no_names_for_is_told(project: Path, run: Callable[..., Said]) -> None:
    rule = str(ROOT / "rules" / "linux" / "ssh_root_password_login.yml")
    code, _, err = run("compile", rule, "-t", "logscale", "-p", "crowdstrike_fdr")
    assert code == 0
    assert "RE918 `crowdstrike_fdr` has no mapping for product=linux service=sshd" in err
