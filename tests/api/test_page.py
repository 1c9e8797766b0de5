"""The page's files are complete, use no other host, and never parse text as markup."""

import html
import importlib
import json
import re
import sys
from dataclasses import asdict

import pytest
from support.asking import ADMINISTRATOR, Asker

from chalicelib.api import page
from chalicelib.api.bundle import bundle
from chalicelib.services import connect
from chalicelib.services import services as connected

MODULES = sorted(page.modules())
IMPORT = re.compile(r'from "(?:\./)?([^"]+)\.js"')


def test_the_document_names_every_file_under_its_version():
    asked = re.findall(rf'"web/{page.version()}/([^"]+)"', page.index())

    # The sample is requested only by a user who tries it.
    assert {*asked, "sample.mp3"} == set(page.files())
    assert len(asked) == 3  # each is a function's call, and a new account runs ten at once
    assert "{" not in page.index()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_existing_names(name):
    for module, names in re.findall(
        r'import \{([^}]*)\} from "\./([^"]+)\.js"', page.modules()[name], re.DOTALL
    ):
        source = page.modules()[names]
        for imported in re.findall(r"\w+", module):
            assert re.search(
                rf"export (?:async )?(?:function|const|class) {imported}\b", source
            ) or re.search(rf"export \{{[^}}]*\b{imported}\b", source), (name, imported)
    assert all(path in page.modules() for path in IMPORT.findall(page.modules()[name]))


def test_the_bundle_has_every_module_after_its_imports():
    served = page.files()["page.js"].decode()

    assert set(re.findall(r"^const \$(\w+) = ", served, re.MULTILINE)) == set(MODULES) - {"main"}
    assert not re.search(r"^(import|export) ", served, re.MULTILINE)
    defined: set[str] = set()
    for name, used in re.findall(r"^const \$(\w+) = |\} = \$(\w+);$", served, re.MULTILINE):
        defined.add(name)
        assert not used or used in defined


def test_modules_that_import_each_other_in_a_circle_are_refused():
    circle = {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}

    with pytest.raises(ValueError, match="imports itself"):
        bundle(circle, "a")


@pytest.mark.parametrize("name", MODULES)
def test_no_module_parses_text_as_markup_or_code(name):
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(|Function\("

    assert not re.search(forbidden, page.modules()[name])


@pytest.mark.parametrize(
    "name", [*(f"{name}.js" for name in MODULES), "page.css", "mark.svg", "index.html"]
)
def test_no_request_goes_to_another_host(name):
    text = (page.FOLDER / name).read_text()

    assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}


@pytest.mark.parametrize("name", MODULES)
def test_modules_stay_short(name):
    assert len(page.modules()[name].splitlines()) < 400


def test_the_policy_allows_the_page_and_the_buckets_only():
    policy = page.index_headers(["https://b.s3.amazonaws.com"])["Content-Security-Policy"]

    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'self'"
    assert directives["media-src"] == "'self' https://b.s3.amazonaws.com"
    assert "script-src" not in directives
    assert "style-src" not in directives
    assert "unsafe" not in policy


def test_the_page_gets_the_address_for_signing_in_and_may_use_it():
    sign_in = page.SignIn("https://pool.example", '"><script>')

    told = re.search(r'<meta name="sign-in" content="([^"]*)">', page.index(sign_in))[1]
    policy = page.index_headers(["https://b.example"], sign_in)["Content-Security-Policy"]

    assert json.loads(html.unescape(told)) == asdict(sign_in)
    assert "connect-src 'self' https://b.example https://pool.example;" in policy
    assert policy.count("pool.example") == 1
    assert "pool.example" not in page.index_headers([])["Content-Security-Policy"]


def test_the_page_gets_the_name_of_the_stand_in_for_amazon_transcribe():
    assert '<meta name="stand-in" content="vosk&lt;">' in page.index(stand_in="vosk<")
    assert '<meta name="stand-in" content="">' in page.index()


def test_the_version_names_the_files():
    assert re.fullmatch(r"[0-9a-f]{12}", page.version())


@pytest.fixture
def ask(application):
    return Asker(application)


def test_the_page_may_play_originals(services, monkeypatch):
    monkeypatch.setenv("SOURCE_BUCKETS", "archive")
    connected.cache_clear()
    sys.modules.pop("app", None)

    policy = Asker(importlib.import_module("app"))("/").headers["Content-Security-Policy"]

    origin = services.media.origin.replace(services.media.bucket, "archive")
    assert re.search(rf"media-src [^;]*{re.escape(origin)}", policy)


def test_the_page_is_public_and_never_cached(ask, services):
    answer = ask("/")

    assert answer.status == 200
    assert answer.text == page.index()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = answer.headers["Content-Security-Policy"]
    assert re.search(rf"media-src [^;]*{re.escape(services.media.origin)}", policy)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("page.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ],
)
def test_a_file_of_the_page_may_be_kept_for_ever(ask, name, content_type):
    answer = ask(f"/web/{page.version()}/{name}")

    assert answer.status == 200
    assert answer.text == page.files()[name].decode()
    assert answer.headers["Content-Type"] == content_type
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "target",
    [
        "/web/0123456789ab/page.js",
        f"/web/{page.version()}/index.html",
        f"/web/{page.version()}/..%2Fpage.py",
        f"/web/{page.version()}/nothing.js",
    ],
)
def test_a_file_that_is_not_in_this_version_is_not_found(ask, target):
    answer = ask(target)

    assert answer.status == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_gets_the_caller(ask):
    assert ask("/caller").json == {"owner": "alice", "is_administrator": False}
    assert ask("/caller", by=ADMINISTRATOR).json == {"owner": "local", "is_administrator": True}


def test_the_buckets_origin_is_that_of_presigned_addresses(services):
    store = services.media

    url = store.presign("a", media_type="audio/wav", disposition="inline")["url"]
    form = store.presign_post("a", content_type="audio/wav", max_bytes=1)["url"]

    assert url.startswith(f"{store.origin}/")
    assert form.startswith(f"{store.origin}/")


def test_presigned_addresses_are_those_of_the_buckets_region(services, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    store = connect(services.settings).media

    assert store.origin == f"https://{store.bucket}.s3.eu-central-1.amazonaws.com"
