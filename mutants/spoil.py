"""How Python is spoiled: each comparison, condition, sum, fold and note of a function, one at a time.

What only spares the core an exception is left alone: a comparison with None, an assertion, a text for people.  mypy
notices those.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

EDGES: dict[type[ast.cmpop], tuple[type[ast.cmpop], str]] = {
    ast.Lt: (ast.LtE, "<="),
    ast.LtE: (ast.Lt, "<"),
    ast.Gt: (ast.GtE, ">="),
    ast.GtE: (ast.Gt, ">"),
}
FOLDS = {"any": "all", "all": "any", "max": "min", "min": "max"}
OTHERS = {
    "System.PRIMARY": "System.ALTERNATE",
    "System.ALTERNATE": "System.PRIMARY",
    "Kind.PLANNED": "Kind.AUTOMATIC",
    "Kind.AUTOMATIC": "Kind.PLANNED",
    "Kind.FORCED": "Kind.PLANNED",
}
OTHER_DEADLINES = {"block_deadline_ms": "allow_deadline_ms", "allow_deadline_ms": "block_deadline_ms"}
NOTING = {"replace", "_changed", "_fresh", "_successor"}
BOOKKEEPING = {"next_op", "saving", "trouble", "last_answer_at", "stalls"}
"""What is counted for people, or numbers that only have to be new."""
MANY = 100
SHORT = 90


@dataclass(frozen=True, slots=True)
class Spoil:
    """One damage within a file."""

    start: int
    end: int
    new: str
    says: str


class Spoiler:
    """All damages to one source; `forgettable` are the keywords of a class that may be left out."""

    def __init__(self, source: str, forgettable: dict[str, frozenset[str]]) -> None:
        self.tree = ast.parse(source)
        self._forgettable = forgettable
        self._lines = source.splitlines(keepends=True)
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef]]:
        """Every function and method with its name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef):
                yield node.name, node

    def of_function(self, function: ast.FunctionDef) -> list[Spoil]:
        """What can be spoiled in a function, in the order in which it stands there."""
        found: list[Spoil] = []
        for statement in function.body:
            for node in ast.walk(statement):
                if not self._is_left_alone(node):
                    found += self._of(node)
        return sorted(found, key=lambda spoil: (spoil.start, spoil.end, spoil.says))

    def of_constants(self) -> Iterator[Spoil]:
        """The whole numbers that a file gives a name to: one more and one less, or the double and the half."""
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(value)) as constant):
                    others = (value - 1, value + 1) if value < MANY else (value // 2, value * 2)
                    for other in others:
                        yield self._spoil(constant, str(other), f"{name} is {other}")

    def _of(self, node: ast.AST) -> Iterator[Spoil]:
        match node:
            case ast.Compare():
                yield from self._comparison(node)
            case ast.BoolOp():
                yield from self._conditions(node)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.match_case(guard=ast.expr() as test):
                if not is_about_none(test) and not is_bare(test):
                    says = f"as if never `{short(test)}`"
                    yield self._spoil(test, f"(({ast.unparse(test)}) and False)", says)
            case ast.comprehension(ifs=tests):
                for test in tests:
                    says = f"takes all, not only `{short(test)}`"
                    yield self._spoil(test, f"(({ast.unparse(test)}) or True)", says)
            case ast.UnaryOp(op=ast.Not(), operand=operand) if self._stands_alone(node):
                yield self._spoil(node, f"({ast.unparse(operand)})", f"`{short(node)}` without the not")
            case ast.BinOp():
                yield from self._sum(node)
            case ast.Call():
                yield from self._call(node)
            case ast.Attribute():
                yield from self._name(node)

    def _comparison(self, node: ast.Compare) -> Iterator[Spoil]:
        if is_about_none(node):
            return
        for place, op in enumerate(node.ops):
            if type(op) in EDGES:
                other, sign = EDGES[type(op)]
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                new = ast.unparse(ast.Compare(node.left, ops, node.comparators))
                yield self._spoil(node, f"({new})", f"`{short(node)}` with {sign}")
        if self._stands_alone(node):
            yield self._spoil(node, f"(not ({ast.unparse(node)}))", f"`{short(node)}` turned round")

    def _conditions(self, node: ast.BoolOp) -> Iterator[Spoil]:
        for place, value in enumerate(node.values):
            if is_about_none(value) or any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(value)):
                continue
            kept = [*node.values[:place], *node.values[place + 1 :]]
            new = ast.unparse(kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept))
            joined = "and" if isinstance(node.op, ast.And) else "or"
            yield self._spoil(node, f"({new})", f"without `{joined} {short(value)}`")

    def _sum(self, node: ast.BinOp) -> Iterator[Spoil]:
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv) or not is_of_numbers(node):
            return
        dropped, kept = node.right, node.left
        if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant):
            dropped, kept = node.left, node.right
        if "op" in ast.unparse(kept).split("."):
            return  # operations are numbered, and nothing but a number of its own is asked of that
        if ast.unparse(kept).endswith("next_op"):
            return
        yield self._spoil(node, f"({ast.unparse(kept)})", f"`{short(node)}` without {ast.unparse(dropped)}")

    def _call(self, node: ast.Call) -> Iterator[Spoil]:
        name = ast.unparse(node.func)
        if name in FOLDS:
            yield self._spoil(node.func, FOLDS[name], f"{FOLDS[name]} for {name} in `{short(node)}`")
        for place, word in enumerate(node.keywords):
            if word.arg in BOOKKEEPING:
                continue
            if word.arg and (name in NOTING or word.arg in self._forgettable.get(name, frozenset())):
                kept = [*node.keywords[:place], *node.keywords[place + 1 :]]
                new = ast.unparse(ast.Call(node.func, node.args, kept))
                yield self._spoil(node, new, f"`{word.arg}={short(word.value)}` is forgotten")

    def _name(self, node: ast.Attribute) -> Iterator[Spoil]:
        written = ast.unparse(node)
        given = isinstance(self._parents[node], ast.Call | ast.keyword | ast.Return | ast.IfExp | ast.BoolOp)
        if written in OTHERS and given:
            yield self._spoil(node, OTHERS[written], f"{OTHERS[written]} for {written}")
        elif node.attr in OTHER_DEADLINES:
            new = f"{ast.unparse(node.value)}.{OTHER_DEADLINES[node.attr]}"
            yield self._spoil(node, new, f"{OTHER_DEADLINES[node.attr]} for {node.attr}")

    def _stands_alone(self, node: ast.expr) -> bool:
        """Whether neither a larger condition nor a branch spoils it already."""
        parent = self._parents[node]
        return not isinstance(parent, ast.BoolOp | ast.If | ast.match_case | ast.comprehension) and not (
            isinstance(parent, ast.IfExp) and parent.test is node
        )

    def _is_left_alone(self, node: ast.AST) -> bool:
        """Whether it stands in an assertion or in a text."""
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.FunctionDef):
            if isinstance(above, ast.Assert | ast.JoinedStr):
                return True
            above = self._parents.get(above)
        return False

    def _spoil(self, node: ast.expr, new: str, says: str) -> Spoil:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)
        return Spoil(start, end, new, says)

    def _at(self, line: int, column: int) -> int:
        before = sum(len(each) for each in self._lines[: line - 1])
        return before + len(self._lines[line - 1].encode()[:column].decode())


def short(node: ast.AST) -> str:
    """How a piece of code is named on a page."""
    text = ast.unparse(node)
    return text if len(text) <= SHORT else text[: SHORT - 3] + "..."


def is_bare(test: ast.expr) -> bool:
    """Whether a branch asks a name alone, mostly whether there is anything, or parts that are left out one by one."""
    return isinstance(test, ast.Name) or (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or))


def is_about_none(node: ast.expr) -> bool:
    """Whether a condition only asks whether there is anything at all."""
    match node:
        case ast.Attribute(attr="status"):
            return True
        case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.BoolOp(values=values):
            return all(is_about_none(value) for value in values)
    return False


def is_of_numbers(node: ast.BinOp) -> bool:
    """Whether a sum is one of numbers and not of texts, tuples or sets."""
    texts = ast.JoinedStr | ast.Tuple | ast.List | ast.Set | ast.Call
    for side in (node.left, node.right):
        if isinstance(side, texts) or (isinstance(side, ast.Constant) and not isinstance(side.value, int)):
            return False
        if isinstance(side, ast.BinOp) and not is_of_numbers(side):
            return False
        if isinstance(side, ast.IfExp):
            return False
    return True
