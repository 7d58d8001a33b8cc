"""Owns what a GraphQL query costs: GitHub counts the connections it may open and the nodes it may ask for. Pure."""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.language.ast import FragmentDefinitionNode, OperationDefinitionNode

_BOUNDS = ("first", "last")


class Price:
    """The count of one query: `requests` for its connections, and `nodes`, each times the nodes around it."""

    def __init__(self, document: DocumentNode, variables: dict[str, Any]) -> None:
        self.requests = self.nodes = 0
        self._variables = dict(variables)
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        operations = []
        for part in document.definitions:
            if isinstance(part, FragmentDefinitionNode):
                self._fragments[part.name.value] = part
            elif isinstance(part, OperationDefinitionNode):
                operations.append(part)
        for operation in operations:
            for one in operation.variable_definitions or ():
                if isinstance(one.default_value, IntValueNode):
                    self._variables.setdefault(one.variable.name.value, int(one.default_value.value))
            self._walk(operation.selection_set, 1)

    @property
    def cost(self) -> int:
        """The points it takes from the hour's budget."""
        return max(1, round(self.requests / 100))

    def _walk(self, selected: SelectionSetNode | None, times: int) -> None:
        for part in selected.selections if selected else ():
            if isinstance(part, FragmentSpreadNode):
                self._walk(self._fragments[part.name.value].selection_set, times)
            elif isinstance(part, InlineFragmentNode):
                self._walk(part.selection_set, times)
            elif isinstance(part, FieldNode):
                self._walk(part.selection_set, self._count(part, times))

    def _count(self, field: FieldNode, times: int) -> int:
        bounds = [argument.value for argument in field.arguments or () if argument.name.value in _BOUNDS]
        if not bounds:
            return times
        size = 0
        if isinstance(bounds[0], IntValueNode):
            size = int(bounds[0].value)
        elif isinstance(bounds[0], VariableNode):
            size = int(self._variables.get(bounds[0].name.value) or 0)
        self.requests += times
        self.nodes += times * size
        return times * size
