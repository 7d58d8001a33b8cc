"""The calls that change or delete a deployment that DX has. Pure."""

from collections.abc import Mapping
from typing import Any

from dx_action.deployment.calls import FIELDS, Call, serialise
from dx_action.inputs.corrections import changes
from dx_action.inputs.model import Inputs
from dx_action.inputs.times import iso


def correction(inputs: Inputs) -> Call:
    """Return the call of `operation: update` or `delete`. Nothing but what is written is in it."""
    reference_id = inputs.reference_id or ""
    if inputs.operation == "delete":
        return delete_call(reference_id)
    values = {name.replace("-", "_"): value for name, value in changes(inputs).items()}
    if inputs.deployed_at:
        values["deployed_at"] = iso(inputs.deployed_at)
    if inputs.service:
        values["service"] = inputs.service[0]
    if inputs.success:
        values["success"] = inputs.success == "success"
    return update_call(reference_id, values)


def update_call(reference_id: str, values: Mapping[str, Any]) -> Call:
    """Return the call that changes these fields of a deployment, in the order of DX's page. What is None is left out."""
    service, shas = values.get("service"), values.get("merge_commit_shas")
    written = {
        **values,
        "reference_id": reference_id,
        "service": service.as_json() if service else None,
        "merge_commit_shas": list(shas) if shas else None,
    }
    body = {name: written[name] for name in FIELDS if written.get(name) is not None}
    return Call("deployments.update", service.identifier if service else "", reference_id, serialise(body))


def delete_call(reference_id: str) -> Call:
    """Return the call that deletes a deployment."""
    return Call("deployments.delete", "", reference_id, serialise({"reference_id": reference_id}))
