"""Names the files of the pure modules, as the contract has them, for `make coverage`."""

from test_contract import CORE, is_pure

print(",".join(f"dx_action/{module}.py" for module in CORE if is_pure(module)))
