"""Write ``docs/manifests.md`` from the register of what each field does and the table of what fields there are.

    python docs/manifests_page.py

A test holds the page to what this writes.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from simsticky.manifests.field_table import REST, FieldTable, shipped
from simsticky.manifests.register import REGISTER
from simsticky.manifests.uses import FieldUse, Use

PAGE = Path(__file__).parents[1] / "docs" / "manifests.md"
HEAD = """\
# What is read from manifests

*Written by `docs/manifests_page.py` from the code; do not edit.*

`manifests:` of a scenario names files, directories (not what is below them) and `-` for standard input. They hold YAML
or JSON, several documents, or Lists. What a kustomization or a chart would make is not made here: `kustomize build DIR`
or `helm template CHART` makes it. In a directory such files are left out with one line. If they are named themselves
they are an error.

Every object that the answer uses is held to the API server's strict decoding, at every depth. An unknown, misplaced or
doubled field, or a value of the wrong type, ends the run with its file, line and column, and with where the field
belongs. `--lenient` makes that a warning and ignores the field; of a doubled key the last one holds. Free
maps such as labels, the server's own fields (`status`, `managedFields`) and `null` are no faults. The fields are those
of Kubernetes {first} to {last}. With `kubernetes.version` in the scenario, a field that came later or went before is
named.

A field is

- *read*: the simulation takes it;
- *said*: it may move the answer, is not simulated, and the normal output names it;
- *refused*: it would change the answer, so it is an error that names the way out;
- *not used*: `--verbose` lists it, as it lists all of `metadata` and `status` that no table names.

What the scenario file states itself wins over manifests. Objects of other kinds, and of other applications, are listed.
"""
PODS = ("Deployment", "StatefulSet", "Rollout", "DaemonSet")
TEMPLATE = "spec.template"
_MARKS = {Use.READ: "read", Use.SAID: "said", Use.REFUSED: "refused", Use.LISTED: "not used"}


def page() -> str:
    """Return the page."""
    table = shipped()
    text = HEAD.format(first=table.releases[0], last=table.releases[-1])
    for kind, rows in REGISTER.items():
        own = [row for row in rows if not row.path.startswith(f"{TEMPLATE}.")]
        versions = [version for version, other in table.kinds() if other == kind]
        text += f"\n## {kind}\n\n"
        text += f"{', '.join(f'`{version}`' for version in versions)}\n\n" if versions else ""
        text += "Its pod template: see below.\n\n" if kind in PODS else ""
        unused = {field for version in versions for field in _unused(table, version, kind, rows)}
        text += _table(own, {field for field in unused if not field.startswith(TEMPLATE)})
    return text + _pods(table)


def _pods(table: FieldTable) -> str:
    """Return the section about what the kinds of workloads have in common."""
    rows = dict.fromkeys(row for kind in PODS for row in REGISTER[kind] if row.path.startswith(f"{TEMPLATE}."))
    unused = _unused(table, "apps/v1", "Deployment", REGISTER["Deployment"])
    text = f"\n## Pod templates of {', '.join(PODS[:-1])} and {PODS[-1]}\n\nPaths below `{TEMPLATE}`.\n\n"
    cut = len(TEMPLATE) + 1
    below = [row._replace(path=row.path[cut:]) for row in rows]
    return text + _table(below, {field[cut:] for field in unused if field.startswith(f"{TEMPLATE}.")})


def _table(rows: list[FieldUse], unused: set[str]) -> str:
    lines = ["| field | | what it does here |", "|---|---|---|"]
    lines += [f"| {_field(row)} | {_MARKS[row.use]} | {row.text} |" for row in rows]
    above: dict[str, list[str]] = {}
    for field in sorted(unused):
        parent, _, name = field.rpartition(".")
        if parent.rpartition(".")[2] != "metadata" and field != "status":
            above.setdefault(parent, []).append(f"`{name}`")
    if above:
        lines += ["", "Not used:", ""]
        lines += [
            fill(f"- {f'below `{parent}`: ' if parent else ''}{', '.join(names)}", 120, subsequent_indent="  ")
            for parent, names in above.items()
        ]
    return "\n".join(lines) + "\n"


def _field(row: FieldUse) -> str:
    return f"`{row.path}`" if row.path else "the object"


def _unused(table: FieldTable, version: str, kind: str, rows: tuple[FieldUse, ...]) -> Iterator[str]:
    """Yield the fields that no row is about, beside and above those that rows are about."""
    root = table.kind(version, kind)
    if root is None:
        return
    known = [row.path for row in rows if row.path]
    whole = [row.path for row in rows if row.use in (Use.READ, Use.LISTED) and row.path]
    for path, name in table.paths(root.type):
        above = ".".join(path)
        if above and not any(other.startswith(f"{above}.") for other in known):
            continue
        for key in table.fields(name):
            here = f"{above}.{key}" if above else key
            is_known = any(other == here or other.startswith((f"{here}.", f"{here}[")) for other in known)
            is_within = any(here.startswith((f"{other}.", f"{other}[")) for other in whole)
            if not is_known and not is_within and key != REST and here not in _IDENTITY:
                yield here


_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""What names an object."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
