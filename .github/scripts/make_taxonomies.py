"""Make ruleengine/schema/taxonomies/{attack,atlas,f3}.tsv from clones of the publishers' own repositories.

    python .github/scripts/make_taxonomies.py --cti CTI --techniques FILE --atlas ATLAS --f3 F3 --date 2026-11-22

CTI, ATLAS and F3 are git directories of mitre/cti, mitre-atlas/atlas-data and
center-for-threat-informed-defense/fight-fraud-framework. FILE is the newest enterprise techniques: the official STIX
bundle (enterprise-attack-N.json of mitre-attack/attack-stix-data), or a table {"attack_version", "tactics",
"techniques"} made from it, because mitre/cti may lag behind. The OWASP tables are short and kept by hand.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

OUT = Path(__file__).parents[2] / "ruleengine" / "schema" / "taxonomies"
MITRE = (
    "© 2026 The MITRE Corporation. This work is reproduced and distributed with the permission of "
    "The MITRE Corporation."
)
KINDS = (
    "attack-pattern campaign course-of-action intrusion-set malware tool "
    "x-mitre-tactic x-mitre-data-source x-mitre-asset"
)
OLD_TACTIC = ("defense-evasion", "Defense Evasion", "deprecated", "stealth,defense-impairment")
Row = tuple[str, str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cti", "techniques", "atlas", "f3", "date"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    attack(args.cti, json.loads(Path(args.techniques).read_text("utf-8")), args.date)
    atlas(args.atlas, args.date)
    f3(args.f3, args.date)


def git(repository: str, *words: str) -> bytes:
    return subprocess.run(["git", "-C", repository, *words], check=True, capture_output=True).stdout


def attack(repository: str, newest: dict[str, Any], date: str) -> None:
    rest: dict[str, Row] = {}
    for domain in ("enterprise", "mobile", "ics"):
        for row in rows(list(objects(repository, f"{domain}-attack"))):
            if row[0] not in rest or rest[row[0]][2]:
                rest[row[0]] = row
    version, current = ("", {})
    if "objects" in newest:
        version = next(item["x_mitre_version"] for item in newest["objects"] if item["type"] == "x-mitre-collection")
        current = {row[0]: row for row in rows(newest["objects"])}
    else:
        version = newest["attack_version"]
        current = {tactic["id"]: (tactic["id"], tactic["name"], "", "") for tactic in newest["tactics"].values()}
        current |= {name: (name, tactic["name"], "", "") for name, tactic in newest["tactics"].items()}
        for key, technique in newest["techniques"].items():
            current[key] = (key, technique["name"], technique.get("status", ""), technique.get("revoked_by", ""))
    rest = {key: (*row[:2], row[2] or "older", row[3]) for key, row in rest.items()}
    beyond: dict[str, str] = {}
    for key in sorted(key for key, row in rest.items() if row[2] != "revoked"):
        if found := re.match(r"(T1|T0|DS|[A-Z]+)(?<!TA)\d", key):
            beyond[found[1]] = key.split(".")[0]
    commit = git(repository, "log", "-1", "--format=%s").decode().strip()  # "ATT&CK v18.1 Enterprise"
    write(
        "attack.tsv",
        {
            "title": f"ATT&CK {version}",
            "source": "MITRE ATT&CK, https://attack.mitre.org",
            "version": f"enterprise techniques and tactics {version}; all else {commit}",
            "read": date,
            "licence": MITRE,
            "newest": " ".join(sorted(beyond.values())),
        },
        list((rest | current | {OLD_TACTIC[0]: OLD_TACTIC}).values()),
    )


def objects(repository: str, folder: str) -> Iterator[dict[str, Any]]:
    found = git(repository, "ls-tree", "-d", "--name-only", "HEAD", f"{folder}/").decode().split()
    wanted = [name for name in found if name.split("/")[1] in [*KINDS.split(), "relationship"]]
    with tarfile.open(fileobj=io.BytesIO(git(repository, "archive", "HEAD", *wanted))) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                yield from json.load(file)["objects"]


def rows(found: list[dict[str, Any]]) -> Iterator[Row]:
    identity = {item["id"]: external(item) for item in found if item["type"] in KINDS.split()}
    successor = {
        identity.get(item["source_ref"]): identity.get(item["target_ref"], "")
        for item in found
        if item["type"] == "relationship" and item["relationship_type"] == "revoked-by"
    }
    for item in found:
        if item["type"] in KINDS.split() and (key := external(item)):
            status = "revoked" if item.get("revoked") else "deprecated" if item.get("x_mitre_deprecated") else ""
            yield key, item["name"], status, successor.get(key, "") if status == "revoked" else ""
            if item["type"] == "x-mitre-tactic":
                yield item["x_mitre_shortname"], item["name"], status, ""


def external(item: dict[str, Any]) -> str:
    references = item.get("external_references", ())
    found = [str(each.get("external_id")) for each in references if str(each["source_name"]).startswith("mitre")]
    return found[0] if found and not found[0].startswith("CAPEC") else ""


def atlas(repository: str, date: str) -> None:
    data = yaml.load(git(repository, "show", "HEAD:dist/ATLAS.yaml"), yaml.CSafeLoader)
    matrix = data["matrices"][0]
    found = [item for kind in ("tactics", "techniques", "mitigations") for item in matrix[kind]] + data["case-studies"]
    about = {
        "title": f"ATLAS {data['version']}",
        "source": "MITRE ATLAS, https://atlas.mitre.org",
        "version": data["version"],
        "read": date,
        "licence": "Copyright 2021-2025 MITRE, Apache License 2.0",
        "complete": "yes",
    }
    write("atlas.tsv", about, [(item["id"], item["name"], "", "") for item in found])


def f3(repository: str, date: str) -> None:
    found = json.loads(git(repository, "show", "HEAD:public/f3-v1.1.json"))
    about = {
        "title": "F3 1.1",
        "source": "MITRE Fight Fraud Framework, https://github.com/center-for-threat-informed-defense/fight-fraud-framework",
        "version": "1.1",
        "read": date,
        "licence": "Copyright MITRE Engenuity and contributors, Apache License 2.0",
        "complete": "yes",
    }
    write("f3.tsv", about, [(item["id"], " ".join(item["name"].split()), "", "") for item in flat(found)])


def flat(found: Any) -> Iterator[dict[str, Any]]:
    for item in found if isinstance(found, list) else found.values() if isinstance(found, dict) else ():
        if isinstance(item, dict) and "id" in item and "name" in item:
            yield item
        yield from flat(item)


def last(key: str, known: dict[str, Row]) -> str:
    """Follow successors to one that still stands, or to none; a revoked id may name another revoked one."""
    while key in known and known[key][3]:
        key = known[key][3]
    return "" if key in known and known[key][2] not in ("", "older") else key


def write(name: str, about: dict[str, str], found: list[Row]) -> None:
    byid = {row[0]: row for row in found}
    unique = sorted((*row[:3], last(row[3], byid)) for row in byid.values())
    lines = [f"# {key}: {value}" for key, value in about.items()]
    lines += ["id\tname\tstatus\tsuccessor", *("\t".join(row) for row in unique)]
    (OUT / name).write_text("\n".join(lines) + "\n", "utf-8")
    print(name, len(unique))


if __name__ == "__main__":
    main()
