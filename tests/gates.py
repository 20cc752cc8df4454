"""The gates of `make test`: exporting, cleaning and making the README must change nothing. Usage: gates.py export|clean|readme [--write].

`gates.py shrink` is no gate: it makes the pictures in large notebooks smaller (256 colours), for use after running them."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def snapshot(*folders: str) -> dict[Path, bytes]:
    return {
        p: p.read_bytes()
        for folder in folders
        for p in sorted((ROOT / folder).rglob("*"))
        if p.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in p.parts
    }


def no_op(command: list[str], *folders: str) -> None:
    "Run `command`; leave with 1, naming the files, if it changed any in `folders`."
    before = snapshot(*folders)
    subprocess.run(command, cwd=ROOT, check=True)
    after = snapshot(*folders)
    changed = sorted(str(p.relative_to(ROOT)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed:
        sys.exit(
            f"`{' '.join(command)}` changed {', '.join(changed)}: commit the changed files (they have been written)"
        )


def readme() -> str:
    "README.md as nbs/index.ipynb says it: prose as it stands, code in fences, no outputs but text."
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(ROOT / "nbs/index.ipynb", 4)
    exporter = MarkdownExporter(exclude_output=True)
    text, _ = exporter.from_notebook_node(notebook)
    lines = [line.rstrip() for line in text.splitlines()]
    text = "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"
    for name in ("0", "1", "2", "app", "tutorials/"):
        text = text.replace(f"]({name}", f"](nbs/{name}")
    return text.replace("](../", "](").replace('src="../', 'src="')


def shrink(limit: int = 280 * 1024) -> None:
    "Reduce the pictures of notebooks over `limit` bytes to 256 colours, then to smaller sizes until they fit."
    from PIL import Image

    def reduced(data: str, scale: float, kind: str) -> str:
        picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        if scale < 1:
            picture = picture.resize(
                (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
            )
        out = io.BytesIO()
        if kind == "image/png":
            picture.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        else:
            picture.save(out, "JPEG", quality=80, optimize=True)
        return base64.b64encode(out.getvalue()).decode()

    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        whole, scale, most = json.loads(path.read_text()), 1.0, limit * (2 if "tutorials" in path.parts else 1)
        text = path.read_text()
        while len(text.encode()) > most and scale > 0.3:
            notebook = json.loads(json.dumps(whole))
            for cell in notebook["cells"]:
                for output in cell.get("outputs", []):
                    data = output.get("data", {})
                    if "image/png" in data:
                        data.pop("image/jpeg", None)  # one picture is enough
                    for kind in {"image/png", "image/jpeg"} & data.keys():
                        data[kind] = reduced("".join(data[kind]), scale, kind)
            text, scale = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", scale * 0.85
        if text != path.read_text():
            path.write_text(text)
            print(f"{path.relative_to(ROOT)}: {len(text) // 1024} KB")


def main(what: str, *options: str) -> None:
    if what == "export":
        no_op(["nbdev-export"], "avgen")
    elif what == "clean":
        no_op(["nbdev-clean"], "nbs")
    elif what == "readme":
        path, wanted = ROOT / "README.md", readme()
        if "--write" in options:
            path.write_text(wanted)
        elif path.read_text() != wanted:
            sys.exit("README.md is not what nbs/index.ipynb says: run `make readme` and commit it")
    elif what == "shrink":
        shrink()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
