"""/api/call/*: the simulator can place no calls, and neither can any connector of this release."""

import pytest
from phones import ANA, NOBODY, PNG, Phone, assert_needs_a_link

SOUND = "SUQzIGFuZCBzbyBvbg=="  # it begins as MP3 files do

ROUTES = {"POST call/fake": {"duration": 8}, "POST call/audio": {"mediaBase64": SOUND}}


@pytest.fixture(scope="module")
def phone(api, fresh):
    return Phone(api, fresh("call"))


@pytest.mark.parametrize("route, fields", [
    ("POST call/fake", {}), ("POST call/fake", {"duration": 0}),
    ("POST call/fake", {"duration": "60"}), ("POST call/audio", {"mediaBase64": SOUND}),
    ("POST call/audio", {"mediaUrl": SOUND})])
def test_a_connector_without_calls_says_so(phone, route, fields):
    phone.refused(501, "Not supported by the simulator connector", route, number=ANA, **fields)


ONE = "Exactly one of 'mediaUrl' or 'mediaBase64' is required"


@pytest.mark.parametrize("route, fields, message", [
    ("POST call/fake", {"duration": 61}, "The 'duration' field must be between 0 and 60"),
    ("POST call/fake", {"duration": "long"},
     "Invalid request body: The 'duration' field must be an integer"),
    ("POST call/audio", {}, ONE),
    ("POST call/audio", {"mediaUrl": "https://93.184.216.35/a.ogg", "mediaBase64": PNG}, ONE),
    ("POST call/audio", {"mediaUrl": "http://10.0.0.1/a.ogg"},
     "URL is not allowed: private address (operators: egress.allow)"),
    ("POST call/audio", {"mediaUrl": "HTTP://169.254.169.254/a.ogg"},
     "URL is not allowed: link-local address"),
    ("POST call/audio", {"mediaUrl": "file:///etc/passwd"},
     "The 'mediaUrl' field must be a valid http or https URL"),
    ("POST call/audio", {"mediaBase64": PNG}, "Unsupported media type: image/png")])
def test_what_is_refused(phone, route, fields, message):
    phone.refused(400, message, route, number=ANA, **fields)


@pytest.mark.parametrize("route", ROUTES)
def test_who_is_called_has_to_be_said(phone, route):
    phone.refused(400, "Number is required", route, **ROUTES[route])
    phone.refused(400, "Invalid number: Ana", route, number="Ana", **ROUTES[route])
    phone.refused(400, "Number is not registered on WhatsApp", route, number=NOBODY,
                  **ROUTES[route])


def test_only_a_connected_instance_calls(api, fresh):
    assert_needs_a_link(api, fresh("call"), {
        route: {"number": ANA} | fields for route, fields in ROUTES.items()})
