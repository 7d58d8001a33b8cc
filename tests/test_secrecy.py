"""A secret is found and hidden however it stands in a text, and nothing else is."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counting
from dx_action.secrecy import NO_SECRETS, Secret, Secrets
from dx_action.text import escaped, one_line
from hostile import FORMS, TEXT

# Each holds what JSON, HTML, Markdown, URLs and the runner write in another way.
TOKENS = {
    "a token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    "with everything": 'tok_9f"zQ\\w7&K2<m4|R8%41`v5*g_J3=p6/x1',
    "with a quote at its ends": '"Zq9-4cD"',
    "with a backslash at its end": "Zq9+4c/D\\",
    "of backslashes and quotes": '\\"\\\\"Z\\"',
    "with codes of its own": 'Zq%2541&lt;\\u0041"\\n',
    "of 4": "Zq-9",
    "of 5": "a\\7qZ",
    "of 7": "zQ9+/~8",
    "long": "eyJhbGciOi" * 60,
}
many = settings(max_examples=200, deadline=None)


def known(*texts: str, password: bool = False) -> Secrets:
    return Secrets(Secret(f"secret {number}", text, password) for number, text in enumerate(texts))


@pytest.mark.parametrize("token", ["Zq9w," + "\\" * 8, "Zq9w=%41%41%41", "Zq9w,&#65;&#65;", "Zq9w,AA``````"])
def test_the_few_letters_that_a_part_decodes_to_are_no_secret(token: str) -> None:
    secrets, text = known(token), "a \\ AA AAA b"
    assert secrets.names_in(text) == ()
    assert secrets.scrubbed(text) == text
    assert secrets.names_in(f"a {token} b") == ("secret 0",)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TOKENS)
def test_every_form_of_a_token_is_found_and_hidden(kind: str, form: str) -> None:
    token = TOKENS[kind]
    if form == "small letters" and len(token) < 8:
        return  # they may be anybody's
    secrets, text = known(token, "another-secret"), f"a {FORMS[form](token)} z"
    assert secrets.names_in(text) == ("secret 0",)
    hidden = secrets.scrubbed(text)
    assert secrets.names_in(hidden) == ()
    assert (hidden[:2], hidden[-2:]) == ("a ", " z")
    assert "***" in hidden
    # What is left of it is less than decides a letter, or what belongs to the form.
    assert len(hidden) < len(FORMS[form]("")) + 24


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("", ""),
        ("all is well", "all is well"),
        ("tok-12345678", "***"),
        ("tok-12345678tok-12345678", "******"),
        ("<tok-12345678>, tok-1234567", "<***>, tok-1234567"),
        # Units that are decoded are hidden whole, and nothing beside them.
        ('{"a":"%74ok-12345678","b":"\\u0074ok-12345678\\n"}', '{"a":"***","b":"***\\n"}'),
        ("\\ntok-12345678\\t&#116;ok-12345678&amp;%20", "\\n***\\t***&amp;%20"),
        ("%2574ok%2d1234%35678%2541", "***%2541"),
        # What was cut counts if enough of it is there; what ends otherwise does not.
        ("a: tok-1234… b", "a: ***… b"),
        ("a: tok-1234567…", "a: ***…"),
        ("a: tok-123… tok-1234. tok-1234", "a: tok-123… tok-1234. tok-1234"),
        ("tok-1234tok-12345…", "tok-1234***…"),
        ("%74ok-1234…", "***…"),
        # No character.
        ("&#9999999;tok-12345678&#x110000;", "&#9999999;***&#x110000;"),
    ],
)
def test_only_the_secret_is_hidden(text: str, hidden: str) -> None:
    assert known("tok-12345678").scrubbed(text) == hidden


def test_a_beginning_may_begin_within_another() -> None:
    assert known("aaaaaaaaaZZ").scrubbed("aaaaaaaaaa… b") == "a***… b"


@pytest.mark.parametrize(
    ("written", "character"),
    [
        *(("\\b", "\b"), ("\\f", "\f"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ('\\"', '"')),
        *(("\\\\", "\\"), ("\\/", "/"), ("\\u0009", "\t"), ("\\u20aC", "€"), ("%09", "\t"), ("%2F", "/")),
        *(("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&apos;", "'"), ("&#9;", "\t")),
        *(("&#0000047;", "/"), ("&#x9;", "\t"), ("&#X20aC;", "€"), ("&#x10ffff;", "\U0010ffff"), ("<span></span>", "")),
    ],
)
def test_every_code_of_a_character_is_read(written: str, character: str) -> None:
    """As one text: of a secret with a line break in it, each line is one, too."""
    assert known(f"Zq9A{character}4cDe").scrubbed(f"a Zq9A{written}4cDe b") == "a *** b"
    # What it is written with is no letter beside a short one.
    assert known("abc").names_in(f"x{written}abc")


@pytest.mark.parametrize(
    ("secret", "text", "found"),
    [
        # A very short one counts as a word of its own alone.
        ("abc", "abc", True),
        ("abc", "a: abc, b", True),
        ("abc", "abcd xabc abc1 éabc; abc-d", True),
        ("abc", "abcd xabc abc1 éabcé", False),
        ("abc", "%61bc", True),
        ("abc", "x%61bc", False),
        ("abc", "YWJj", False),
        ("x", "x", True),
        ("x", "an example", False),
        ("!~", "a!~b", False),
        ("!~", "!~", True),
        ("!", "a!!", True),
        ('"', '{"a":"b"}', False),
        # One letter more, and it counts anywhere.
        ("abcd", "xabcdy", True),
        ("abcd", "abc", False),
        ("abcd", "xYWJjZA==", True),
        # Blanks are no secret.
        ("", "a", False),
        (" \n", "a \n", False),
        # The lines of one that is no token are secrets, too.
        ("first-1\r\nsecond-2", "second-2", True),
        ("first-1\r\nsecond-2", "first", False),
        # Beyond ASCII.
        ("pässwörd", "p%C3%A4ssw%C3%B6rd", True),
        ("pässwörd", "p\\u00e4ssw\\u00f6rd", True),
        ("pässwörd", "passwort", False),
        ("half-a-secret\udcff", "half-a-secret\udcff", True),
        # As a line of the log, and a cell of a CSV, have it.
        ("::a##[b", "x ::a# #[b", True),
        ('qu"ote"d', '1,"qu""ote""d"', True),
        ("Zq9ABCDEF", "zq9abcdef", True),
        ("Zq`9ABCDEFG", "a column zq9abcdefg", True),
        # What a list of services, or a service with a name, would make of it.
        ("Zq9+4cDeF==", "Zq9+4cDeF", True),
        ("abc,Zq9+4cDeF=x", "Zq9+4cDeF", True),
        ("abc,Zq9+4cDeF=x", "abc", False),
        ("Zq9+4cD=", "Zq9+4cD", False),
        ("Zq9ABC", "zq9abc", False),
    ],
)
def test_what_is_found_of_whom(secret: str, text: str, found: bool) -> None:
    assert bool(known(secret).names_in(text)) is found
    assert ("***" in known(secret).scrubbed(text)) is found


@pytest.mark.parametrize(
    ("password", "text", "found"),
    [
        ("pass", "passed", False),
        ("pass", "the pass", True),
        ("hunter2", "hunter2", True),
        ("hunter2", "hunter21", False),
        ("hunter22", "xhunter22x", True),
        ("hunter22", "svc:hunter22", True),
        ("hunter22", "c3ZjOmh1bnRlcjIy", True),
        ("hunter2", "c3ZjOmh1bnRlcjI=", False),
    ],
)
def test_a_password_that_may_be_a_word(password: str, text: str, found: bool) -> None:
    assert bool(known(password, password=True).names_in(text)) is found


@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
@pytest.mark.parametrize("length", [4, 5, 6, 7, 8, 9])
def test_base64_is_read_wherever_it_begins_and_whatever_follows(length: int, before: bytes) -> None:
    secret = "Zq?+~W.?W"[:length]
    for after in (b"", b"\x00", b"\xff", b"\xff\xff", b"a long end"):
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(before + secret.encode() + after).decode()
            # Hidden are the letters, of six bits each, that the secret alone decides.
            first, last = -(-len(before) * 8 // 6), (len(before) + length) * 8 // 6
            assert known(secret).scrubbed(text) == f"{text[:first]}***{text[last:]}", (after, encode)


@pytest.mark.parametrize("secret", ["`", "````", "<span></span>", "</span><span>"])
def test_a_secret_of_which_a_form_is_empty_hides_nothing_else(secret: str) -> None:
    """Its form in a name, or decoded, is no text at all, and would be found everywhere without end."""
    secrets = known(secret)
    assert secrets.scrubbed("another text, with \u2026") == "another text, with \u2026"
    assert secrets.names_in("another text") == ()
    assert secrets.scrubbed(f"a {secret} b") == "a *** b"


def test_each_secret_is_named_once_and_in_their_order() -> None:
    secrets = known("first-secret", "second", "first-secret")
    assert secrets.names_in("second, first-secret, first-secret %73econd") == ("secret 0", "secret 1", "secret 2")
    assert known().names_in("anything") == NO_SECRETS.names_in("anything") == ()
    assert NO_SECRETS.scrubbed("%61") == "%61"


def test_the_longer_of_two_is_hidden_whole() -> None:
    assert known("abcdef", "abcdefghi", "fghijk").scrubbed("x abcdefghi abcdefg abcdefghijk") == "x *** ***g ***"


def test_four_levels_of_encoding_are_read() -> None:
    text = 'Zq9"4cD'
    for _ in range(4):
        text = quote(text, safe="")
        assert known('Zq9"4cD').names_in(text)
    assert known('Zq9"4cD').names_in(quote(text, safe="")) == ()


@many
@given(
    secret=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=8),
    before=TEXT,
    after=TEXT,
)
def test_any_token_is_found_as_we_write_it(secret: str, before: str, after: str) -> None:
    secrets = known(secret)
    for text in (
        secret,
        json.dumps(secret),
        html.escape(secret),
        escaped(f".{secret}"),
        one_line(f".{secret}"),
        quote(secret),
    ):
        assert secrets.names_in(f"{before} {text} {after}") == ("secret 0",)
        assert text[1:-1] not in secrets.scrubbed(f" {text} ")


@many
@given(TEXT)
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    secrets = known("Zq9-of-nobody", "hunter22")
    assert secrets.names_in(text) == ()
    assert secrets.scrubbed(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "%25",
        "\\",
        "\\\\u0025",
        "&amp;",
        "&#37;",
        "…",
        "tok_9f",
        "tok_9fzQw…",
        "tok_9fzQw7",
        "a",
        'a":"b',
        "dG9rXzlmelF3Nw==",
    ],
)
def test_the_work_grows_with_the_text_alone(piece: str) -> None:
    secrets = known("tok_9fzQw7", "a", "aaaaaaaaaaaaaaaab")

    def work(times: int) -> int:
        return counting.calls(lambda: (secrets.names_in(piece * times), secrets.scrubbed(piece * times)))

    assert work(2000) < 2.5 * work(1000) + 200
