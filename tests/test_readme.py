"""The tree in the README is the tree of the repository."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def list_tree() -> list[str]:
    """Return the paths that the annotated tree names."""
    block = (ROOT / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    paths, folder = [], ""
    for line in block.splitlines():
        indent = len(line) - len(line.lstrip())
        for name in re.split(r",\s*", re.split(r"\s{2,}", line.strip())[0]):
            paths.append(name if indent == 0 else folder + name)
        if indent == 0:
            folder = line.split()[0]
    return paths


def test_every_path_of_the_tree_exists():
    paths = list_tree()
    assert len(paths) > 35
    assert [path for path in paths if path != "data/local/" and not (ROOT / path).exists()] == []


def test_every_part_of_core_and_every_page_is_in_the_tree():
    named = set(list_tree())
    parts = {f"core/{path.name}/" for path in (ROOT / "core").iterdir() if path.is_dir() and path.name[0] not in "_."}
    pages = {f"pages/{path.name}" for path in (ROOT / "pages").glob("*_page.py")}
    assert (parts | pages) - named == set()
