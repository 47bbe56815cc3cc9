import re

from gateway.api.docs_ui import CONTENT_SECURITY_POLICY, assets, page


def test_the_page_refers_to_its_own_files_alone() -> None:
    text = page().content.decode()
    referred = set(re.findall(r'(?:src|href)="([^"]+)"', text)) - {"data:,"}
    assert referred == {f"docs/{name}" for name in assets()}
    assert "://" not in text


def test_the_page_holds_no_script_so_the_policy_need_not_allow_one() -> None:
    assert not re.search(r"<script(?! src)", page().content.decode())
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_the_bundle_is_swagger_ui_that_reads_openapi_3_1() -> None:
    bundle = assets()["swagger-ui-bundle.js"].content.decode()
    version = re.search(r'PACKAGE_VERSION:"(\d+)\.', bundle)
    assert version is not None
    assert int(version[1]) >= 5
