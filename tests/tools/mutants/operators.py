"""Owns what a mutant is: one small change of a module's syntax tree, of the kinds that a test ought to notice.

Prose is left alone (a text with a space in it is read by people, and the golden files hold it), and so are annotations,
decorators, docstrings and what is for the type checker only.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
}
_NAMED = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Methods that give their object back a little changed: is the change needed?
_POLISH = {"lower", "upper", "casefold", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` and `after` are the statement's first line or the expression, as it is and as it becomes.

    `line` is that of the statement.
    """

    line: int
    before: str
    after: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """What tells it from others, whatever lines are added above."""
        return f"{self.before} → {self.after}"


def mutants(source: str) -> list[Mutant]:
    """Give every mutant of the module, in the order of its lines; where two read the same, the later has a number."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for path, node, line in _places(tree, (), 0):
        for changed in _changes(node):
            after = _shown(changed)
            if after == (before := _shown(node)):
                continue
            name = f"{before} → {after}"
            seen[name] = seen.get(name, 0) + 1
            after += f" (no. {seen[name]})" if seen[name] > 1 else ""
            found.append(Mutant(line, before, after, _with(tree, path, changed)))
    return sorted(found, key=lambda mutant: mutant.line)


Path = tuple[tuple[str, int | None], ...]


def _places(node: ast.AST, path: Path, line: int) -> Iterator[tuple[Path, ast.AST, int]]:
    """Give the nodes that run, each with the way to it and its statement's line."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "ctx", "format_spec"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _is_silent(child, node):
                continue
            here = child.lineno if isinstance(child, ast.stmt) else line
            yield (*path, (name, index)), child, here
            yield from _places(child, (*path, (name, index)), here)


def _is_silent(child: ast.AST, parent: ast.AST) -> bool:
    if isinstance(child, ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    if isinstance(child, ast.Subscript) and ast.unparse(child.value) in ("Literal", "Annotated"):
        return True
    is_doc = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
    # The texts of an f-string are prose; its values are not.
    return is_doc or (isinstance(parent, ast.JoinedStr) and isinstance(child, ast.Constant))


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.stmt():
            yield from _statements(node)
        case ast.Constant(value):
            yield from _constants(value)
        case ast.comprehension(target, iterated, [_, *_], is_async):
            yield ast.comprehension(target, iterated, [], is_async)
        case ast.expr():
            yield from _expressions(node)


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, [first], right) if type(first) in _COMPARED:
            yield ast.Compare(left, [_COMPARED[type(first)]()], right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, operator, right) if type(operator) in _COUNTED:
            yield ast.BinOp(left, _COUNTED[type(operator)](), right)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(ast.Name(name), args, keywords) if name in _NAMED:
            yield ast.Call(ast.Name(_NAMED[name], ast.Load()), args, keywords)
        case ast.Call(ast.Attribute(value, name)) if name in _POLISH:
            yield value


def _constants(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and value and " " not in value:
        yield ast.Constant(f"X{value}")


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Return(ast.expr() as value) if ast.unparse(value) != "None":
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _with(tree: ast.Module, path: Path, changed: ast.AST) -> ast.Module:
    found = copy.deepcopy(tree)
    parent: ast.AST = found
    for name, index in path[:-1]:
        parent = getattr(parent, name) if index is None else getattr(parent, name)[index]
    name, index = path[-1]
    old = getattr(parent, name) if index is None else getattr(parent, name)[index]
    new = ast.copy_location(copy.deepcopy(changed), old)
    if index is None:
        setattr(parent, name, new)
    else:
        getattr(parent, name)[index] = new
    return ast.fix_missing_locations(found)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split("\n")[0]
