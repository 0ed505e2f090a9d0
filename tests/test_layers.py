"""The direction of imports: what ruff's per-file exemptions cannot say."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "core").rglob("*.py")])
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "sentence_transformers", "umap", "sympy"}
"""Libraries that take seconds to import: only inside the functions that need them."""


def list_imports(tree: ast.AST) -> set[str]:
    """Return every imported module name below a node, as written."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def list_top_imports(tree: ast.Module) -> set[str]:
    """Return what is imported when the module itself is imported (TYPE_CHECKING blocks left out)."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= list_imports(node)
    return found


def root_of(name: str) -> str:
    return name.split(".")[0]


def part_of(path: Path) -> str:
    """Return ``recipes``, ``store``, ... for packages of core, the stem for its own files, else the folder."""
    parts = path.relative_to(ROOT).parts
    if parts[0] != "core":
        return parts[0].removesuffix(".py")
    return parts[1].removesuffix(".py")


def name_of(path: Path) -> str:
    """Return the dotted module name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.fixture(scope="module")
def imports() -> dict[Path, set[str]]:
    return {path: list_imports(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}


def violations(imports: dict[Path, set[str]], forbidden: set[str], allowed) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, names in imports.items()
        for name in sorted(names)
        if root_of(name) in forbidden and not allowed(path)
    ]


def test_streamlit_stops_at_the_pages(imports):
    assert violations(imports, {"streamlit"}, lambda path: part_of(path) in {"app", "pages"}) == []


def test_sql_stops_at_the_store(imports):
    assert violations(imports, {"duckdb"}, lambda path: path.is_relative_to(ROOT / "core" / "store")) == []


def test_the_openai_client_stops_at_the_teacher(imports):
    assert violations(imports, {"openai"}, lambda path: path.is_relative_to(ROOT / "core" / "teacher")) == []


def test_core_never_imports_what_stands_above_it(imports):
    core = {path: names for path, names in imports.items() if path.is_relative_to(ROOT / "core")}
    assert violations(core, {"pages", "app"}, lambda path: False) == []


def test_pieces_never_import_recipes_hub_or_shell(imports):
    above = ("core.recipes", "core.hub", "core.shell", "core.__main__")
    tops = {"recipes", "hub", "shell", "__main__"}
    tops |= {path.stem for path in imports if path.parent == ROOT / "core" and path.stem.startswith("shell_")}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, names in imports.items()
        if path.is_relative_to(ROOT / "core") and part_of(path) not in tops
        for name in sorted(names)
        if name.startswith(above)
    ]
    assert found == []


def test_records_and_errors_stand_at_the_bottom(imports):
    for stem in ("records", "errors"):
        below = [name for name in imports[ROOT / "core" / f"{stem}.py"] if root_of(name) == "core"]
        assert below == [], f"core/{stem}.py imports {below}"


def test_heavy_libraries_are_imported_where_they_are_used():
    """A file that subclasses a heavy class may import it at the top if nobody imports that file at the top."""
    tops = {path: list_top_imports(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    heavy = {name_of(path): path for path, names in tops.items() if any(root_of(name) in HEAVY for name in names)}
    found = [
        f"{path.relative_to(ROOT)} imports {name} at the top, which imports a heavy library"
        for path, names in tops.items()
        for name in sorted(names & set(heavy))
    ]
    found += [f"{path.relative_to(ROOT)} imports one at the top" for path in heavy.values() if "pages" in path.parts]
    assert found == []


def test_the_rules_would_notice(tmp_path):
    tree = ast.parse("import duckdb\ndef f():\n    from streamlit.x import y\n    import torch\n")
    assert {"duckdb", "streamlit.x"} <= list_imports(tree)
    assert list_top_imports(tree) == {"duckdb"}
