"""The reference: every public name of a module with its docstring, and each parameter with the shape or unit beside it.

It is read from the sources, without importing them: docstrings, and the comments that stand beside the parameters.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def comments_of(source: str) -> dict[int, str]:
    """Return the comment at the end of each line of code, by line number."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
            found[token.start[0]] = token.string.lstrip("# ").strip()
    return found


def as_markdown(text: str) -> str:
    """Keep Markdown from reading more into a docstring or comment than it says: only `code` is marked up there."""
    parts = re.split(r"(```.*?```|`[^`\n]+`)", text, flags=re.S)
    return "".join(p if i % 2 else re.sub(r"([*_$<\[\]])", r"\\\1", p) for i, p in enumerate(parts))


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """List the parameters of a function, in order, without `self` and `cls`."""
    every = [*arguments.posonlyargs, *arguments.args, *([arguments.vararg] if arguments.vararg else [])]
    every += [*arguments.kwonlyargs, *([arguments.kwarg] if arguments.kwarg else [])]
    return [a for a in every if a.arg not in ("self", "cls")]


def signature(node: ast.FunctionDef, method: bool = False) -> str:
    """Write the signature of a function in one line."""
    arguments = ast.parse(ast.unparse(node)).body[0].args
    if method and arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args.pop(0)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){returns}"


def is_dataclass(node: ast.ClassDef) -> bool:
    """Whether a class is built from its fields."""
    return any("dataclass" in ast.unparse(d) for d in node.decorator_list)


def fields_of(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """List the annotated fields of a class."""
    named = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return [n for n in named if not n.target.id.startswith("_")]


class ModulePage:
    """The page of one module."""

    def __init__(self, module: str, path: Path, notebook: str):
        self.module, self.notebook = module, notebook
        source = path.read_text()
        self.tree, self.comments = ast.parse(source), comments_of(source)
        self.public = self.exported()

    def exported(self) -> list[str]:
        """The names that the module exports."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                return list(ast.literal_eval(node.value))
        return []

    def comment(self, first: int, last: int | None = None) -> str:
        """The comment beside a parameter or field."""
        return as_markdown(
            next((self.comments[n] for n in range(first, (last or first) + 1) if n in self.comments), "")
        )

    def told_parameters(self, items) -> list[str]:
        """A line for every parameter that has a comment beside it."""
        lines = []
        for item in items:
            name = item.arg if isinstance(item, ast.arg) else item.target.id
            if said := self.comment(item.lineno, item.end_lineno):
                lines.append(f":param {name}: {said}")
        return lines

    def directive(self, kind: str, name: str, body: list[str], depth: int, options: tuple = ()) -> list[str]:
        """A block that Sphinx turns into one entry of the reference."""
        fence = "`" * (8 - depth)
        return [f"{fence}{{py:{kind}}} {name}", *options, "", *body, fence, ""]

    def function(self, node: ast.FunctionDef, kind: str, prefix: str = "", depth: int = 0) -> list[str]:
        """The entry of a function or method."""
        decorators = [ast.unparse(d) for d in node.decorator_list]
        body = [as_markdown(ast.get_docstring(node) or ""), "", *self.told_parameters(parameters(node.args))]
        if node.returns and node.body:
            if said := self.comment(node.returns.end_lineno, node.body[0].lineno - 1):
                body.append(f":returns: {said}")
        if "property" in decorators or "cached_property" in decorators or "functools.cached_property" in decorators:
            told = (f":type: {ast.unparse(node.returns)}",) if node.returns else ()
            return self.directive("property", prefix + node.name, body, depth, told)
        options = tuple(f":{d}:" for d in decorators if d in ("classmethod", "staticmethod"))
        return self.directive(kind, prefix + node.name + signature(node, kind == "method"), body, depth, options)

    def methods(self, node: ast.ClassDef) -> list[ast.FunctionDef]:
        """The public methods of a class that say what they do; setters are told by their property."""
        found = [n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
        return [n for n in found if not any(ast.unparse(d).endswith(".setter") for d in n.decorator_list)]

    def class_(self, node: ast.ClassDef) -> list[str]:
        """The entry of a class."""
        made = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        body = [as_markdown(ast.get_docstring(node) or ""), ""]
        written = ""
        if made:
            written = signature(made, True).split(" -> ")[0]
            body += self.told_parameters(parameters(made.args))
        elif is_dataclass(node):
            fields = fields_of(node)
            written = "(" + ", ".join(ast.unparse(f) for f in fields) + ")"
            written = re.sub(r"field\(default_factory=(\w+)\)", r"\1()", written)
            body += self.told_parameters(fields)
        for method in self.methods(node):
            body += ["", *self.function(method, "method", depth=2)]
        return self.directive("class", node.name + written, body, 0)

    def constant(self, name: str, node) -> list[str]:
        """The entry of a constant: its value where that is short."""
        value = ast.unparse(node.value) if node.value else ""
        told = (f":value: {value}",) if value and len(value) < 100 and "\n" not in value else ()
        return self.directive("data", name, [self.comment(node.lineno, node.end_lineno)], 0, told)

    def entry(self, name: str) -> list[str]:
        """The entry of one public name; none for a name that another module defines."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return self.class_(node)
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return self.function(node, "function")
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and any(getattr(t, "id", "") == name for t in targets):
                return self.constant(name, node)
        return []

    def markdown(self, title: str) -> str:
        """The whole page."""
        sentence = as_markdown((ast.get_docstring(self.tree) or "").splitlines()[0])
        lines = [f"# {self.module}", "", sentence, "", f"Explained and tried in [{title}]({self.notebook}).", ""]
        lines += [f"```{{py:module}} {self.module}", "```", ""]
        for name in self.public:
            lines += self.entry(name)
        return "\n".join(lines)
