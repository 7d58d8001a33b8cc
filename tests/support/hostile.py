"""Text that would command the runner, break a file or end a table."""

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
