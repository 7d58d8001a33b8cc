"""A service, and what every file that gives paths their services has in common."""

from collections.abc import Iterable

import pytest

from dx_action.errors import InvalidValue
from dx_action.services.service import Ownership, Service, by_name, check_paths, checked, text_of

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
        ("acme/ShopX", "ShopX"),
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

        def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
            return tuple(at[path] for path in paths)

    assert Several().services_of(at) == expected


def test_a_text_may_be_as_large_as_its_limit() -> None:
    assert text_of("éé", 4, "") == "éé"


def test_the_mark_of_utf_8_is_no_text() -> None:
    assert text_of(b"\xef\xbb\xbf* @acme/web", 15, "") == "* @acme/web"


@pytest.mark.parametrize("path", ["x" * 4097, "é" * 2049, "a/" * 2048 + "b", "\ud800" * 1366])
def test_a_path_that_is_too_long_is_matched_with_nothing(path: str) -> None:
    check_paths(["a", "x" * 4096, "é" * 2048, "a/" * 2047 + "bc"])
    with pytest.raises(
        InvalidValue, match=r"^a changed path has more than 4,096 bytes, and is matched with no pattern\.$"
    ):
        check_paths(["a", path])


class Folders(Ownership):
    """A file belongs to its folder's name, a submodule to its own."""

    def services_at(self, path: str) -> tuple[Service, ...]:
        return (Service(path.rpartition("/")[0]),) if "/" in path else ()

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
        return self.services_of(paths)


@pytest.mark.parametrize(("paths", "depends"), [([], False), (["a/b", "c"], True)])
def test_whether_a_folder_would_make_a_difference(paths: list[str], depends: bool) -> None:
    assert Folders().depends_on_folders(paths) is depends
    assert Catchall().depends_on_folders(paths) is False


class Catchall(Ownership):
    """Everything belongs to one service."""

    def services_at(self, path: str) -> tuple[Service, ...]:
        return (WEB,) if path else ()

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
        return self.services_of(paths)


def test_what_has_no_patterns_has_no_dead_ones() -> None:
    assert Catchall().dead(["a", "b"]) == ()
    assert Catchall().matched(["a", ""]) == ("a",)
