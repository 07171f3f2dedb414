"""What an instance looks like in answers, written down from the specification by hand."""

INSTANCE_KEYS = {"id", "name", "token", "status", "numberJid", "proxy", "webhook", "websocket",
                 "chatwoot", "settings", "s3", "createdAt", "updatedAt"}
LISTED_KEYS = INSTANCE_KEYS | {"connection", "profile"}

BLOCKS = ["proxy", "webhook", "websocket", "chatwoot", "settings", "s3"]

DEFAULTS = {
    "proxy": {"enabled": False, "host": None, "port": None, "protocol": None, "username": None,
              "password": None},
    "webhook": {"enabled": False, "url": None, "events": []},
    "websocket": {"enabled": False, "events": [], "mediaBase64": False},
    "chatwoot": {"enabled": False, "status": None, "bridgeIntegrationId": None, "baseUrl": None,
                 "accountId": None, "inboxName": None},
    "settings": {"autoRejectCalls": False, "callRejectMessage": "", "ignoreGroupMessages": False,
                 "keepOnlineStatus": False, "autoReadMessages": False, "disableHistorySync": True,
                 "ignoreStatus": False},
    "s3": {"enabled": False, "region": None, "bucket": None, "accessKey": None, "secretKey": None,
           "endpoint": None, "pathPrefix": None},
}

DISCONNECTED = {"state": "disconnected", "numberJid": None, "presenceStatus": "unavailable",
                "displayStatus": "Disconnected"}
NO_PROFILE = {"name": None, "pictureUrl": None, "isBusiness": False, "businessName": ""}

CHATWOOT_NOT_LOADED = \
    "integration gateway not configured - load the chatwoot plugin on this server"

# A public address, so that no name has to be looked up.
URL = "https://93.184.216.34/wa"
# Chatwoot is asked at once, so its address is one that may not be dialled.
CHATWOOT = "http://127.0.0.1:9"
CHATWOOT_REFUSED = "URL is not allowed: loopback address (operators: egress.allow)"

EVENTS = ["message.exchange", "message.status", "call.update", "group.flow", "instance.state",
          "label.update"]


def failed(block: str, error: str) -> dict:
    """The block's object when it could not be configured."""
    shape = {"enabled": False} if block == "chatwoot" else DEFAULTS[block]
    return shape | {"status": "error", "error": error}


def not_loaded(block: str) -> dict:
    return failed(block, CHATWOOT_NOT_LOADED if block == "chatwoot"
                  else f"plugin '{block}' is not loaded on this server")


# The fields of each block, and its object in an answer of a server with the shipped configuration.
GROUPS: dict[str, tuple[dict, dict]] = {
    "proxy": ({"proxyEnabled": True, "proxyHost": "10.0.0.9", "proxyPort": "1080",
               "proxyProtocol": "socks5", "proxyUsername": "u", "proxyPassword": "hidden-proxy"},
              {"enabled": True, "host": "10.0.0.9", "port": "1080", "protocol": "socks5",
               "username": "u", "password": None}),
    "webhook": ({"webhookEnabled": True, "webhookURL": URL, "webhookByEvents": True,
                 "webhookAuthorization": "Bearer hidden-webhook", "webhookMediaBase64": True,
                 "webhookEvents": ["message.exchange", "call.update"]},
                {"enabled": True, "url": URL, "events": ["message.exchange", "call.update"]}),
    "websocket": ({"websocketEnabled": True, "websocketEvents": ["instance.state"],
                   "websocketMediaBase64": True},
                  {"enabled": True, "events": ["instance.state"], "mediaBase64": True}),
    "chatwoot": ({"chatwootEnabled": True, "chatwootBaseUrl": CHATWOOT,
                  "chatwootAccountId": 5, "chatwootApiToken": "hidden-chatwoot",
                  "chatwootInboxName": "Shop", "chatwootSignMessages": True,
                  "chatwootIgnoreGroups": True, "chatwootStartAsPending": True,
                  "chatwootReopenResolved": True},
                 failed("chatwoot", CHATWOOT_REFUSED)),
    "settings": ({"autoRejectCalls": True, "callRejectMessage": "Please write.",
                  "ignoreGroupMessages": True, "keepOnlineStatus": True, "autoReadMessages": True,
                  "disableHistorySync": False, "ignoreStatus": True},
                 {"autoRejectCalls": True, "callRejectMessage": "Please write.",
                  "ignoreGroupMessages": True, "keepOnlineStatus": True, "autoReadMessages": True,
                  "disableHistorySync": False, "ignoreStatus": True}),
    "s3": ({"s3Enabled": True, "s3Region": "eu-central-1", "s3Bucket": "media",
            "s3AccessKey": "AKIA", "s3SecretKey": "hidden-s3", "s3Endpoint": URL,
            "s3PathPrefix": "wa"},
           {"enabled": True, "region": "eu-central-1", "bucket": "media", "accessKey": "AKIA",
            "secretKey": None, "endpoint": URL, "pathPrefix": "wa"}),
}
HIDDEN = ["hidden-proxy", "hidden-webhook", "hidden-chatwoot", "hidden-s3"]
