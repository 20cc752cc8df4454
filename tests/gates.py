"""The gates of `make test`: exporting, cleaning and making the README must change nothing. Usage: gates.py export|clean|readme [--write]."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def snapshot(*folders: str) -> dict[Path, bytes]:
    return {p: p.read_bytes() for folder in folders for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in p.parts}


def no_op(command: list[str], *folders: str) -> None:
    "Run `command`; leave with 1, naming the files, if it changed any in `folders`."
    before = snapshot(*folders)
    subprocess.run(command, cwd=ROOT, check=True)
    after = snapshot(*folders)
    changed = sorted(str(p.relative_to(ROOT)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed: sys.exit(f"`{' '.join(command)}` changed {', '.join(changed)}: commit the changed files (they have been written)")


def readme() -> str:
    "README.md as nbs/index.ipynb says it: prose as it stands, code in fences, no outputs but text."
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(ROOT / "nbs/index.ipynb", 4)
    exporter = MarkdownExporter(exclude_output=True)
    text, _ = exporter.from_notebook_node(notebook)
    lines = [line.rstrip() for line in text.splitlines()]
    text = "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"
    return text.replace("](../", "](").replace('src="../', 'src="').replace("](0", "](nbs/0").replace("](1", "](nbs/1").replace("](2", "](nbs/2").replace("](tutorials/", "](nbs/tutorials/")


def main(what: str, *options: str) -> None:
    if what == "export": no_op(["nbdev-export"], "avgen")
    elif what == "clean": no_op(["nbdev-clean"], "nbs")
    elif what == "readme":
        path, wanted = ROOT / "README.md", readme()
        if "--write" in options: path.write_text(wanted)
        elif path.read_text() != wanted: sys.exit("README.md is not what nbs/index.ipynb says: run `make readme` and commit it")
    else: sys.exit(__doc__)


if __name__ == "__main__": main(*sys.argv[1:])
