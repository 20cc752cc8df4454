"""Formulas of the pages as MathML, which browsers draw themselves: nothing is fetched, and they follow the theme.

A Sphinx extension, and `mathml(tex)`, which turns the TeX that the notebooks use into MathML. What it does not know
is an error that names the command, so that a formula is never shown in half.
"""

import html
import re

LETTERS = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ϵ", varepsilon="ε", zeta="ζ", eta="η", theta="θ", kappa="κ",
    lambda_="λ", mu="μ", nu="ν", xi="ξ", pi="π", rho="ρ", sigma="σ", tau="τ", phi="ϕ", varphi="φ", chi="χ", psi="ψ",
    omega="ω", Gamma="Γ", Delta="Δ", Theta="Θ", Lambda="Λ", Xi="Ξ", Pi="Π", Sigma="Σ", Phi="Φ", Psi="Ψ", Omega="Ω",
    ell="ℓ", partial="∂", nabla="∇", infty="∞", emptyset="∅", hbar="ℏ", Re="ℜ", Im="ℑ",
)  # fmt: skip
OPERATORS = dict(
    le="≤", leq="≤", ge="≥", geq="≥", ne="≠", neq="≠", approx="≈", sim="∼", simeq="≃", equiv="≡", propto="∝",
    to="→", rightarrow="→", leftarrow="←", leftrightarrow="↔", mapsto="↦", Rightarrow="⇒", Leftrightarrow="⇔", gets="←",
    times="×", cdot="⋅", odot="⊙", oslash="⊘", otimes="⊗", oplus="⊕", pm="±", mp="∓", div="÷", ast="∗", star="⋆",
    circ="∘", bullet="∙", cup="∪", cap="∩", setminus="∖", subset="⊂", subseteq="⊆", notin="∉", ni="∋",
    forall="∀", exists="∃", neg="¬", land="∧", lor="∨", wedge="∧", vee="∨", mid="∣",
    parallel="∥", perp="⊥", colon=":", ll="≪", gg="≫",
    ldots="…", dots="…", cdots="⋯", vdots="⋮", ddots="⋱", top="⊤", bot="⊥", prime="′", backslash="∖", doteq="≐",
    langle="⟨", rangle="⟩", lfloor="⌊", rfloor="⌋", lceil="⌈", rceil="⌉", lvert="|", rvert="|", vert="|",
    lVert="‖", rVert="‖", Vert="‖", lbrace="{", rbrace="}", int="∫",
)  # fmt: skip
OPERATORS |= {"{": "{", "}": "}", "|": "‖", "%": "%", "$": "$", "#": "#", "_": "_", "&": "&", "in": "∈"}
LETTERS["lambda"] = LETTERS.pop("lambda_")
LIMITS = dict(sum="∑", prod="∏", bigcup="⋃", bigcap="⋂")
FUNCTIONS = set("log ln exp sin cos tan arctan tanh cot arg det dim gcd Pr ker deg sinh cosh".split())
LIMIT_FUNCTIONS = set("max min sup inf lim argmax argmin".split())
SPACES = {",": "0.17em", ":": "0.22em", ">": "0.22em", ";": "0.28em", "!": "-0.17em", " ": "0.25em"}
SPACES |= {"quad": "1em", "qquad": "2em", "enspace": "0.5em", "thinspace": "0.17em"}
ACCENTS = dict(hat="^", widehat="^", bar="‾", overline="‾", tilde="~", widetilde="~", vec="→", dot="˙", ddot="¨")
BRACES = dict(underbrace=("munder", "⏟"), overbrace=("mover", "⏞"))
BIG = dict(big="1.2em", bigl="1.2em", bigr="1.2em", Big="1.8em", Bigl="1.8em", Bigr="1.8em",
           bigg="2.4em", biggl="2.4em", biggr="2.4em", Bigg="3em")  # fmt: skip
DOUBLE = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ")) | {"E": "𝔼", "1": "𝟙", "I": "𝕀", "V": "𝕍"}
SCRIPT = dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ")) | dict(zip("ACDGJKNOPQSTUVWXYZ", "𝒜𝒞𝒟𝒢𝒥𝒦𝒩𝒪𝒫𝒬𝒮𝒯𝒰𝒱𝒲𝒳𝒴𝒵"))
FENCED = dict(
    pmatrix="()", bmatrix="[]", vmatrix="||", cases="{ ", matrix="  ", aligned="  ", split="  ", gathered="  "
)
TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.S)


def element(name: str, content: str, **attributes: str) -> str:
    """Write an element of MathML."""
    told = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{content}</{name}>"


def operator(sign: str, **attributes: str) -> str:
    """Write an operator or a bracket."""
    return element("mo", html.escape(sign), **attributes)


class Formula:
    """Reads one formula from left to right."""

    def __init__(self, tex: str, display: bool):
        self.tex, self.display = tex, display
        self.tokens, self.place = TOKEN.findall(tex), 0

    def error(self, what: str) -> ValueError:
        """Say what is wrong with the formula."""
        return ValueError(f"formula {self.tex!r}: {what}")

    def peek(self) -> str:
        """Return the next token that is no white space; "" at the end."""
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        """Take the next token."""
        token = self.peek()
        if not token:
            raise self.error("it ends too early")
        self.place += 1
        return token

    def expect(self, wanted: str) -> None:
        """Take a token that must be there."""
        if (found := self.next()) != wanted:
            raise self.error(f"found {found!r}; expected {wanted!r}")

    def raw(self) -> str:
        """Take the text of a group, unread."""
        self.expect("{")
        depth, taken = 1, []
        while depth:
            if self.place >= len(self.tokens):
                raise self.error("a brace is never closed")
            token = self.tokens[self.place]
            self.place += 1
            depth += (token == "{") - (token == "}")
            taken.append(token)
        return "".join(taken[:-1])

    def argument(self) -> str:
        """Take one argument: a group, or a single symbol."""
        if self.peek() == "{":
            self.next()
            inside = self.row("}")
            self.expect("}")
            return inside
        return self.atom()[0]

    def row(self, *ends: str) -> str:
        """Take everything up to one of `ends`, which stays."""
        parts = []
        while (token := self.peek()) and token not in ends:
            parts.append(self.scripted())
        return element("mrow", "".join(parts))

    def scripted(self) -> str:
        """Take one symbol with what is written above and below it."""
        base, limits = ("", False) if self.peek() in ("^", "_") else self.atom()
        below = above = ""
        while self.peek() in ("^", "_", "'"):
            sign = self.next()
            if sign == "_":
                below = self.argument()
            else:
                above += operator("′") if sign == "'" else self.argument()
        if not (below or above):
            return base
        over, under = ("mover", "munder") if limits else ("msup", "msub")
        both = "munderover" if limits else "msubsup"
        base = base or element("mrow", "")
        if below and above:
            return element(both, base + below + element("mrow", above))
        return element(under, base + below) if below else element(over, base + element("mrow", above))

    def fence(self) -> str:
        """Take a bracket; "." stands for none."""
        sign = self.next()
        known = OPERATORS.get(sign[1:], sign[1:]) if sign.startswith("\\") else sign
        return "" if known == "." else known

    def atom(self) -> tuple[str, bool]:
        """Take one symbol; True where its limits stand above and below."""
        token = self.next()
        if token == "{":
            inside = self.row("}")
            self.expect("}")
            return inside, False
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return element("mn", token), False
        if token.isalpha():
            return element("mi", html.escape(token)), False
        if token in "()[]|":
            return operator(token, stretchy="false"), False
        if token == "~":
            return element("mspace", "", width="0.25em"), False
        if token in "}&^_":
            raise self.error(f"found {token!r} where a symbol was expected")
        return operator({"-": "−", "*": "∗"}.get(token, token)), False

    def command(self, name: str) -> tuple[str, bool]:
        """Take what a command means."""
        if name in LETTERS:
            return element("mi", LETTERS[name]), False
        if name in LIMITS:
            return operator(LIMITS[name], movablelimits="true"), self.display
        if name in FUNCTIONS or name in LIMIT_FUNCTIONS:
            limits = name in LIMIT_FUNCTIONS and self.display
            space = element("mspace", "", width="0.17em") if self.peek() not in ("(", "_", "^", "\\left", "\\!") else ""
            return element("mi", name) + space if not limits else element("mi", name), limits
        if name in OPERATORS:
            fences = "{}|‖⟨⟩⌊⌋⌈⌉"
            return operator(OPERATORS[name], **({"stretchy": "false"} if OPERATORS[name] in fences else {})), False
        if name in SPACES:
            return element("mspace", "", width=SPACES[name]), False
        if name in ACCENTS:
            return element("mover", self.argument() + operator(ACCENTS[name], stretchy="false"), accent="true"), False
        if name in BIG:
            size = BIG[name]
            return operator(self.fence(), stretchy="true", minsize=size, maxsize=size), False
        made = getattr(self, f"read_{name.rstrip('*')}", None) or getattr(self, f"read_{ALIKE.get(name)}", None)
        if made is None:
            raise self.error(f"\\{name} is not known; add it to docs/mathml.py")
        return made(name)

    def read_frac(self, name: str) -> tuple[str, bool]:
        """A fraction."""
        top, bottom = self.argument(), self.argument()
        small = element("mstyle", element("mfrac", top + bottom), displaystyle="false", scriptlevel="1")
        return (small if name == "tfrac" else element("mfrac", top + bottom)), False

    def read_binom(self, name: str) -> tuple[str, bool]:
        """A binomial coefficient."""
        stacked = element("mfrac", self.argument() + self.argument(), linethickness="0")
        return element("mrow", operator("(") + stacked + operator(")")), False

    def read_sqrt(self, name: str) -> tuple[str, bool]:
        """A root."""
        if self.peek() == "[":
            self.next()
            index = self.row("]")
            self.expect("]")
            return element("mroot", self.argument() + index), False
        return element("msqrt", self.argument()), False

    def read_text(self, name: str) -> tuple[str, bool]:
        """Words, or a name that is set upright."""
        words = self.raw() if self.peek() == "{" else self.next()
        words = re.sub(r"\\[,;: !]|~", " ", words).replace("\\_", "_").replace("\\%", "%").replace("$", "")
        if name.startswith("operatorname") and self.peek() not in ("(", "_", "^", "\\left", "\\!", "\\big", "\\bigl"):
            return element("mi", html.escape(words)) + element("mspace", "", width="0.17em"), False
        kind = "mtext" if name in ("text", "textit", "textrm", "mbox") else "mi"
        style = {"style": "font-weight:bold"} if name in ("mathbf", "boldsymbol", "textbf", "bm") else {}
        spaced = words.replace(" ", "\u00a0")
        return element(
            kind, html.escape(spaced), **(style or ({"mathvariant": "normal"} if kind == "mi" else {}))
        ), False

    def read_mathbb(self, name: str) -> tuple[str, bool]:
        """A letter with a double stroke, or in script."""
        known = DOUBLE if name in ("mathbb", "mathds") else SCRIPT
        letters = self.raw() if self.peek() == "{" else self.next()
        if missing := [x for x in letters if x not in known]:
            raise self.error(f"\\{name}{{{missing[0]}}} is not known; add it to docs/mathml.py")
        limits = letters == "E" and self.display and name == "mathbb"
        return element("mi", "".join(known[x] for x in letters), mathvariant="normal"), limits

    def read_underbrace(self, name: str) -> tuple[str, bool]:
        """A brace under or over an expression, which can be named."""
        kind, brace = BRACES[name]
        return element(kind, self.argument() + operator(brace, stretchy="true")), True

    def read_xrightarrow(self, name: str) -> tuple[str, bool]:
        """An arrow with words on it."""
        return element(
            "mover", operator("→", stretchy="true") + element("mpadded", self.argument(), width="+0.8em")
        ), False

    def read_overset(self, name: str) -> tuple[str, bool]:
        """One expression above or below another."""
        small, base = self.argument(), self.argument()
        return element("munder" if name == "underset" else "mover", base + small), False

    def read_bmod(self, name: str) -> tuple[str, bool]:
        """The remainder."""
        return operator("mod", lspace="0.22em", rspace="0.22em"), False

    def read_left(self, name: str) -> tuple[str, bool]:
        """Brackets as high as what they enclose."""
        opening = self.fence()
        inside = self.row("\\right", "\\middle")
        while self.peek() == "\\middle":
            self.next()
            inside += operator(self.fence(), stretchy="true") + self.row("\\right", "\\middle")
        self.expect("\\right")
        closing = self.fence()
        ends = [operator(sign, stretchy="true") if sign else "" for sign in (opening, closing)]
        return element("mrow", ends[0] + inside + ends[1]), False

    def read_begin(self, name: str) -> tuple[str, bool]:
        """Rows and columns."""
        kind = self.raw().rstrip("*")
        if kind == "array":
            self.raw()  # how its columns are aligned
        kind = {"array": "matrix", "align": "aligned", "equation": "aligned", "gather": "gathered"}.get(kind, kind)
        if kind not in FENCED:
            raise self.error(f"\\begin{{{kind}}} is not known; add it to docs/mathml.py")
        rows, cells = [], []
        while True:
            cells.append(element("mtd", self.row("&", "\\\\", "\\end")))
            sign = self.next()
            if sign == "&":
                continue
            rows.append(element("mtr", "".join(cells)))
            cells = []
            if sign == "\\end":
                break
            if self.peek() == "[":  # extra space between rows
                while self.next() != "]":
                    pass
            if self.peek() == "\\end":
                self.next()
                break
        self.raw()
        grid = element("mtable", "".join(rows), **{"class": f"tex-{kind}", "displaystyle": "true"})
        ends = [operator(sign, stretchy="true") if sign.strip() else "" for sign in FENCED[kind]]
        return element("mrow", ends[0] + grid + ends[1]), False


ALIKE = dict(tfrac="frac", dfrac="frac", mathrm="text", operatorname="text", mathsf="text", mathit="text",
             mathbf="text", boldsymbol="text", textbf="text", textit="text", textrm="text", mathtt="text",
             texttt="text", mbox="text",
             bm="text", mathcal="mathbb", mathds="mathbb", overbrace="underbrace", underset="overset",
             stackrel="overset")  # fmt: skip


def mathml(tex: str, display: bool = False) -> str:
    """Turn TeX into a `<math>` element. Raises ValueError for what it does not know."""
    formula = Formula(tex.strip(), display)
    inside = formula.row()
    if formula.peek():
        raise formula.error(f"found {formula.peek()!r} too much")
    told = {"display": "block"} if display else {}
    return element("math", inside, **told, **{"aria-label": tex.strip()})


def setup(app) -> dict:
    """Tell Sphinx to write formulas as MathML."""
    from docutils import nodes
    from sphinx.util import logging

    log = logging.getLogger(__name__)

    def written(node, display: bool) -> str:
        try:
            return mathml(node.astext(), display)
        except ValueError as error:
            log.warning(str(error), location=node)
            return element("code", html.escape(node.astext()))

    def inline(self, node):
        self.body.append(written(node, False))
        raise nodes.SkipNode

    def block(self, node):
        self.body.append(f'<div class="math">{written(node, True)}</div>\n')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
