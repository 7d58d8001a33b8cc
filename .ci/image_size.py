"""Shows what a pull of an image moves, by OCI archives, and whether they contain the same image bit for bit."""

import argparse
import json
import tarfile
from pathlib import Path
from typing import Any

MB = 1_000_000


def read(archive: tarfile.TarFile, digest: str) -> Any:
    opened = archive.extractfile("blobs/" + digest.replace(":", "/"))
    if opened is None:
        raise SystemExit(f"{digest} is not in the archive")
    return json.load(opened)


def manifest(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The one image's digest, and its layers."""
    with tarfile.open(path) as archive:
        opened = archive.extractfile("index.json")
        if opened is None:
            raise SystemExit(f"{path} is no OCI archive")
        (entry,) = json.load(opened)["manifests"]
        return entry["digest"], read(archive, entry["digest"])["layers"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", type=Path, nargs="+")
    parser.add_argument("--most", type=float, required=True, metavar="MB", help="of all layers, compressed")
    options = parser.parse_args()
    images = [manifest(path) for path in options.archives]
    layers = images[0][1]
    total = sum(layer["size"] for layer in layers) / MB
    for layer in layers:
        if not layer["mediaType"].endswith("+gzip"):
            raise SystemExit(f"a layer is not gzipped, but {layer['mediaType']}")
        print(f"  layer {layer['size'] / MB:6.2f} MB  {layer['digest']}")
    print(
        f"Compressed: {total:.2f} MB in {len(layers)} layers, which are all of the image (at most {options.most:g} MB)"
    )
    for number, (digest, _) in enumerate(images, 1):
        print(f"Build {number}: {digest}")
    if len({digest for digest, _ in images}) > 1:
        print("FAILED: the builds differ")
        return 1
    if total > options.most:
        print("FAILED: the image is too large")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
