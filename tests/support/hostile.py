"""Text that would command the runner, break a file or end a table; and secrets as they may stand in a text."""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

# Text of the pieces that commands, Markdown and files are made of, mixed with anything at all.
PIECES = st.sampled_from(
    [
        *(
            "::",
            "##[",
            "]",
            "error",
            "::error::",
            "##[error]",
            "set-output name=a",
            "\r",
            "\n",
            "\r\n",
            "%0A",
            "%0D",
            "%25",
            "%",
        ),
        *(
            "\u2028",
            "\x85",
            "\x0b",
            "\x0c",
            "\x1b[31m",
            "\x00",
            "\xa0",
            "\u3000",
            "\u200b",
            "\u202e",
            "\ufeff",
            "\ud800",
            " ",
        ),
        *(
            "`",
            "```",
            "``````",
            "|",
            "<script>",
            "<!--",
            "@me",
            "[a](b)",
            "![",
            "#",
            "**",
            "&lt;",
            "&#96;",
            "\\",
            "<<",
            "=",
            "EOF",
        ),
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=4) | st.characters(), max_size=12).map("".join)
TEXT = HOSTILE | st.text()

# Each way in which a secret may stand in a text.
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "within a word": lambda secret: f"x{secret}y",
    "JSON": json.dumps,
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"a": secret})),
    "JSON with escaped slashes": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "JSON of code points": lambda secret: "".join(f"\\u{ord(letter):04X}" for letter in secret),
    "percent codes": lambda secret: quote(secret, safe=""),
    "percent codes but for slashes": quote,
    "percent codes in small letters": lambda secret: re.sub(
        "%..", lambda code: code[0].lower(), quote(secret, safe="")
    ),
    "percent codes alone": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "percent codes twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "percent codes of JSON": lambda secret: quote(json.dumps({"a": secret})),
    "HTML": html.escape,
    "numbered entities": lambda secret: "".join(f"&#{ord(letter)};" for letter in secret),
    "entities in hexadecimal": lambda secret: "".join(f"&#x{ord(letter):X};" for letter in secret),
    "base64 at 0": lambda secret: b64encode(secret.encode()).decode(),
    "base64 at 1": lambda secret: b64encode(f":{secret}:".encode()).decode(),
    "base64 at 2": lambda secret: b64encode(f"x:{secret}\n".encode()).decode(),
    "base64 in a URL": lambda secret: quote(b64encode(secret.encode()).decode(), safe=""),
    "base64 in JSON with escaped slashes": lambda secret: json.dumps(b64encode(secret.encode()).decode()).replace(
        "/", "\\/"
    ),
    "url-safe base64 at 0": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "url-safe base64 at 1": lambda secret: urlsafe_b64encode(f"?{secret}".encode()).decode().rstrip("="),
    "url-safe base64 at 2": lambda secret: urlsafe_b64encode(f"?>{secret}".encode()).decode(),
    "a header": lambda secret: f"Authorization: Bearer {secret}",
    "basic authentication": lambda secret: f"basic {b64encode(f'x-access-token:{secret}'.encode()).decode()}",
    "a URL": lambda secret: f"https://x-access-token:{quote(secret, safe='')}@github.com/acme/shop",
    "a query": lambda secret: f"/?{urlencode({'token': secret})}",
    "small letters": str.lower,
}
