"""What each target can say: `help targets` as a list, and as the page docs/targets.md."""

from __future__ import annotations

from ruleengine.compiling import target, target_names
from ruleengine.target import BOUNDS, Capability, Target

HEAD = """\
# Targets

What a rule is compiled into, and how faithful each construct is there. `ruleengine compile` writes queries,
`ruleengine verify` proves them; [compile.md](compile.md) tells how. This page is made by
`ruleengine help targets --format md > docs/targets.md`.

| word | meaning |
|---|---|
| exact | the same events, whatever they hold, as long as the ingest contract is kept |
| bounded | the same events wherever the bound holds; the bound is code, and `verify` keeps inside it |
| wider | every event of the rule, and some others: written with a warning, refused with `--strict` |
| narrower | some events of the rule are missed: refused, unless the rule accepts it |
| unsupported | it cannot be said, or would be wider and narrower at once: refused |

Under a negation wider is narrower and narrower is wider; a query is as faithful as the least of its parts. A rule may
accept a loss in a target, with its reason, under `x-accept-loss`.
"""


def listing() -> str:
    """Return the targets with their formats and options."""
    out = []
    for name in target_names():
        into = target(name)
        out.append(f"{name}: {into.title}\n")
        for form in into.formats:
            out.append(f"  {name}:{form.name:14}  {form.about}\n")
            out += [f"      -O {option}={default}  {about}\n" for option, (default, about) in form.options.items()]
    return "".join(out)


def page() -> str:
    """Return docs/targets.md."""
    return HEAD + "".join(section(target(name)) for name in target_names()) + bounds()


def section(into: Target) -> str:
    """Return what the page says of one target."""
    lines = [f"\n## {into.title} (`{into.name}`)\n\n"]
    if into.contract is not None:
        lines.append("How events arrive, which every query takes for granted:\n\n")
        lines += [f"- {sentence}\n" for sentence in into.contract.says]
        lines.append("\n")
    lines.append("| construct | fidelity | written as | reason, or bound |\n|---|---|---|---|\n")
    lines += [row(each) for each in into.capabilities]
    lines.append("\n| format | what |\n|---|---|\n")
    lines += [f"| `{into.name}:{form.name}` | {form.about} |\n" for form in into.formats]
    return "".join(lines)


def row(each: Capability) -> str:
    """Return one row of the table."""
    written = f"`{each.written}`" if each.written else ""
    why = each.reason or (f"`{each.bound}`" if each.bound else "")
    why += f" (`{each.bound}`)" if each.reason and each.bound else ""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (each.construct, each.kind, written, why)) + " |\n"


def bounds() -> str:
    """Return the table of bounds."""
    rows = (f"| `{name}` | {bound.says.format(field='the field')} |\n" for name, bound in BOUNDS.items())
    return "\n## Bounds\n\n| bound | what must hold of an event |\n|---|---|\n" + "".join(rows)
