"""Owns the results as a picture: a bar for each contestant. Pure."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, BAR = 780, 290, 150, 34, 20
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1f2328}.bar{fill:#8c959f}.ours{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}}"
)


def svg(results: Mapping[str, Any]) -> str:
    """Draw the milliseconds from start to exit."""
    rows = sorted(results["start"], key=lambda each: float(each["wall_ms"]))
    scale = (WIDTH - LEFT - RIGHT) / max(each["wall_ms"] for each in rows)
    title = "One deployment registered over TLS on loopback, from start to exit"
    height = 40 + ROW * len(rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f'<text x="0" y="18">{title}</text>',
    ]
    for number, each in enumerate(rows):
        y = 34 + ROW * number
        label = escape(each["label"].replace("`", ""))
        kind = "bar ours" if each["name"] in {"ours", "image"} else "bar"
        width = max(each["wall_ms"] * scale, 1)
        told = f"{each['wall_ms']:.0f} ms, {each['memory_mib']:.0f} MiB"
        lines += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{label}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LEFT + width + 8:.1f}" y="{y + 15}">{told}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
