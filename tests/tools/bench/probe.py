"""Runs in the interpreter that is measured: each part of a plain run by itself, one after the other, and the time of each.

Prints JSON: milliseconds of the processor by part, which are steadier than those of a clock.
"""

import time

STARTED = time.process_time()

import gc  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from contextlib import suppress  # noqa: E402
from importlib import import_module  # noqa: E402

PARTS = {
    "ssl and http.client": ("ssl", "http.client"),
    "urllib3": ("urllib3",),
    "the rest of requests": ("requests",),
    "pydantic": ("pydantic.main", "pydantic.fields", "pydantic.types"),
    "our own modules": ("dx_action.main", "dx_action.dx.client", "dx_action.runner.network"),
}


def main() -> None:
    """Go through the parts."""
    gc.set_threshold(100_000)  # as the entrypoint does
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    sys.path[:0] = filter(None, [os.environ.get("BENCH_ROOT")])
    took = {"the interpreter": STARTED}
    began = time.process_time()
    with suppress(ImportError):  # in the image alone, as an entry point does
        import_module("dx_action.bundle")
    took["the one file of bytecode"] = time.process_time() - began
    for name, modules in PARTS.items():
        began = time.process_time()
        for module in modules:
            import_module(module)
        took[name] = time.process_time() - began

    # Imported above, each in its turn.
    from pydantic import SecretStr  # noqa: PLC0415

    from dx_action.deployment.calls import Call  # noqa: PLC0415
    from dx_action.dx.client import Dx  # noqa: PLC0415
    from dx_action.inputs.values import parse_host  # noqa: PLC0415
    from dx_action.runner.network import tls_context  # noqa: PLC0415

    began = time.process_time()
    context, _ = tls_context({}, None)
    took["TLS roots"] = time.process_time() - began
    context.load_verify_locations(cafile=os.environ["BENCH_CA"])
    body = {"service": "payments-service", "deployed_at": "2025-03-04T12:00:00Z", "repository": "acme/shop"}
    call = Call("deployments.create", "payments-service", "probe", json.dumps(body).encode())
    host = parse_host(os.environ["BENCH_URL"])
    began = time.process_time()
    dx = Dx(host, SecretStr(os.environ["BENCH_TOKEN"]), context=context, proxies={}, monotonic=time.monotonic)
    answer = dx(call, 10)
    took["the request, connecting included"] = time.process_time() - began
    if getattr(answer, "status", 0) != 200:
        sys.exit(f"no deployment was registered: {answer}")
    print(json.dumps({name: seconds * 1000 for name, seconds in took.items()}))
    gc.freeze()


if __name__ == "__main__":
    main()
