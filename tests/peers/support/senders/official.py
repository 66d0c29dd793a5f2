"""What the official Python SDKs sign, or say to what was signed for them: one question and one answer a line, in JSON.

A sender here either gives the request's headers, as its SDK makes them, or raises what its SDK raises at a bad signature.
"""

import json
import sys
import types
from datetime import datetime, timezone
from importlib import metadata


def good(verdict):
    """An SDK that answers instead of raising."""
    if not verdict:
        raise ValueError("the SDK does not take it")


def github(it):
    from gidgethub.sansio import validate_event

    validate_event(it.body.encode(), signature=it.headers["x-hub-signature-256"], secret=it.secret)


def stripe(it):
    from stripe import WebhookSignature

    header = WebhookSignature.generate_signature_header(it.body, it.secret, int(it.at))
    good(WebhookSignature.verify_header(it.body, header, it.secret, 300))
    return {"Stripe-Signature": header}


def standard_webhooks(it):
    from standardwebhooks import Webhook

    webhook = Webhook(it.secret)
    signed = webhook.sign(it.id, datetime.fromtimestamp(int(it.at), timezone.utc), it.body)
    headers = {"webhook-id": it.id, "webhook-timestamp": it.at, "webhook-signature": signed}
    webhook.verify(it.body, headers, json_parse=False)
    return headers


def slack(it):
    from slack_sdk.signature import SignatureVerifier

    verifier = SignatureVerifier(it.secret)
    signature = verifier.generate_signature(timestamp=it.at, body=it.body)
    good(verifier.is_valid(it.body, it.at, signature))
    return {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": it.at}


def razorpay(it):
    from razorpay.utility.utility import Utility

    good(Utility().verify_webhook_signature(it.body, it.headers["x-razorpay-signature"], it.secret))


def gocardless(it):
    from gocardless_pro import webhooks

    webhooks.parse(it.body, it.secret, it.headers["webhook-signature"])


def onfido(it):
    from onfido.webhook_event_verifier import WebhookEventVerifier

    WebhookEventVerifier(it.secret).read_payload(it.body, it.headers["x-sha2-signature"])


def easypost(it):
    from easypost.util import validate_webhook

    validate_webhook(it.body.encode(), {"X-Hmac-Signature": it.headers["x-hmac-signature"]}, it.secret)


def pusher(it):
    from pusher import Pusher

    client = Pusher(app_id="1", key=it.account, secret=it.secret)
    good(client.validate_webhook(it.account, it.headers["x-pusher-signature"], it.body))


def adyen_platform(it):
    from Adyen.util import generate_payload_sig
    from Adyen.util import is_valid_hmac_payload

    signature = generate_payload_sig(it.body.encode(), it.secret).decode()
    good(is_valid_hmac_payload(signature, it.secret, it.body.encode()))
    return {"HmacSignature": signature}


def adyen_payments(it):
    """The signature is in the body: that of the first item, which is all that the SDK looks at, and of the second for itself."""
    from Adyen.util import is_valid_hmac_notification

    for item in json.loads(it.body)["notificationItems"]:
        good(is_valid_hmac_notification(item["NotificationRequestItem"], it.secret))


def elevenlabs(it):
    from elevenlabs.webhooks_custom import WebhooksClient

    WebhooksClient.construct_event(None, it.body, it.headers["elevenlabs-signature"], it.secret)


def paddle(it):
    from paddle_billing.Notifications import Secret
    from paddle_billing.Notifications import Verifier
    from paddle_billing.Notifications.PaddleSignature import PaddleSignature

    signed = PaddleSignature.calculate_hmac(it.secret, f"{it.at}:{it.body}".encode()).hexdigest()
    headers = {"Paddle-Signature": f"ts={it.at};h1={signed}"}
    request = types.SimpleNamespace(headers=headers, body=it.body.encode())
    good(Verifier().verify(request, Secret(it.secret)))
    return headers


def hubspot(version):
    def sign(it):
        from hubspot.utils.signature import Signature

        return Signature.get_signature(it.secret, it.body, version, it.url, it.method, it.at)

    return sign


def hubspot_v1(it):
    return {"X-HubSpot-Signature": hubspot("v1")(it), "X-HubSpot-Signature-Version": "v1"}


def hubspot_v2(it):
    return {"X-HubSpot-Signature": hubspot("v2")(it), "X-HubSpot-Signature-Version": "v2"}


def hubspot_v3(it):
    return {"X-HubSpot-Signature-v3": hubspot("v3")(it), "X-HubSpot-Request-Timestamp": it.at}


def box(it):
    from box_sdk_gen.internal.utils import compute_webhook_signature
    from box_sdk_gen.managers.webhooks import WebhooksManager

    headers = {"box-delivery-timestamp": it.at, "box-signature-version": "1", "box-signature-algorithm": "HmacSHA256"}
    primary, secondary = it.secret, it.more["secondary"]
    headers["box-signature-primary"] = compute_webhook_signature(it.body, headers, primary)
    headers["box-signature-secondary"] = compute_webhook_signature(it.body, headers, secondary)
    good(WebhooksManager.validate_message(it.body, headers, primary, secondary_key=secondary))
    return headers


def twilio(it, algorithm=None):
    from twilio.request_validator import RequestValidator
    from werkzeug.datastructures import MultiDict

    signature = RequestValidator(it.secret).compute_signature(it.url, MultiDict(it.more["form"]), algorithm)
    return {"X-Twilio-Signature": signature}


def twilio_sharedkey(it):
    settings = {"X-Twilio-Webhooks-Signature-Settings": f"key={it.account},algorithm=HMAC_SHA256"}
    return twilio(it, "HMAC_SHA256") | settings


def square(it):
    from square.utils.webhooks_helper import verify_signature

    signature = it.headers["x-square-hmacsha256-signature"]
    good(verify_signature(request_body=it.body, signature_header=signature, signature_key=it.secret, notification_url=it.url))


SENDERS = {
    "github": github,
    "stripe": stripe,
    "standard-webhooks": standard_webhooks,
    "slack": slack,
    "razorpay": razorpay,
    "gocardless": gocardless,
    "onfido": onfido,
    "easypost": easypost,
    "pusher": pusher,
    "adyen-platform": adyen_platform,
    "adyen-payments": adyen_payments,
    "elevenlabs": elevenlabs,
    "paddle-billing": paddle,
    "hubspot-v1": hubspot_v1,
    "hubspot-v2": hubspot_v2,
    "hubspot-v3": hubspot_v3,
    "box": box,
    "twilio": twilio,
    "twilio-sharedkey": twilio_sharedkey,
    "square": square,
}


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if package := asked.get("version"):
                said = {"version": metadata.version(package)}
            else:
                said = {"headers": SENDERS[asked["sender"]](types.SimpleNamespace(**asked)) or {}}
        except Exception as refused:
            said = {"refused": f"{type(refused).__name__}: {refused}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
