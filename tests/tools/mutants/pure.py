"""Names the files of the pure modules, for `make coverage`."""

from structure import ACTION, is_pure

print(",".join(f"dx_action/{module}.py" for module in ACTION if is_pure(module)))
