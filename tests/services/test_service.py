"""A service, and what every file that gives paths their services has in common."""

import pytest

from dx_action.errors import InvalidValue
from dx_action.services.service import Ownership, Service, by_name, checked, text_of

WEB = Service("web", "Web App")


def test_a_service_as_dx_is_sent_it() -> None:
    assert WEB.as_json() == {"identifier": "web", "name": "Web App"}
    assert Service("web").as_json() == {"identifier": "web"}


@pytest.mark.parametrize(
    ("identifier", "name", "says"),
    [
        ("", None, "has a service without an identifier. Write "),
        ("a\nb", None, "has a service with a line break or another control character in it. Write "),
        ("a", "b\u2028c", "has a service with a line break or another control character in it. Write "),
    ],
)
def test_a_service_that_is_none(identifier: str, name: str | None, says: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{says}"):
        checked(identifier, name)


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("acme/shop", "shop"),
        ("acme/shopX", "shopX"),
        ("shop", "shop"),
        ("a/b/c", "c"),
        ("acme/shop/", "shop"),
        ("/", "/"),
    ],
)
def test_a_repositorys_own_name_is_a_service(repository: str, name: str) -> None:
    assert by_name(repository) == Service(name)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({"a": WEB, "b": Service("web")}, (WEB,)),
        ({"a": Service("web"), "b": WEB}, (WEB,)),
        ({"a": Service("web", "First"), "b": WEB}, (Service("web", "First"),)),
    ],
)
def test_the_first_name_of_a_service_is_its_name(at: dict[str, Service], expected: tuple[Service, ...]) -> None:
    """One map gives a service one name; several catalogs may not."""

    class Several(Ownership):
        def services_at(self, path: str) -> tuple[Service, ...]:
            return (at[path],)

    assert Several().services_of(at) == expected


def test_a_text_may_be_as_large_as_its_limit() -> None:
    assert text_of("éé", 4, "") == "éé"


def test_the_mark_of_utf_8_is_no_text() -> None:
    assert text_of(b"\xef\xbb\xbf* @acme/web", 15, "") == "* @acme/web"
