"""Webhook settings, as a studio's back end reads and changes them."""

from haversack.errors import PROJECT_NOT_FOUND, STORE, WEBHOOK_NOT_SET, Fault
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.problems import invalid
from haversack.outbound.addresses import AddressRefused
from haversack.webhooks import actions
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.records import Purpose
from haversack.webhooks.wire import UpdateWebhookBody, WebhookView

area = Area("common-webhooks", family=STORE, prefix="/api")


@area.get("/v2/project/{project_id}/admin/webhook", errors=(WEBHOOK_NOT_SET,))
async def get_webhook(call: AdminCall) -> WebhookView:
    """Get where the project's webhooks go."""
    endpoint = await find_endpoint(call.db, call.context.sealer, call.project_id, Purpose.STORE)
    if endpoint is None:
        raise WEBHOOK_NOT_SET()
    return WebhookView.of(endpoint)


@area.put(
    "/v2/project/{project_id}/admin/webhook",
    status=204,
    errors=(PROJECT_NOT_FOUND,),
    audit="webhook settings changed",
)
async def update_webhook(call: AdminCall, body: UpdateWebhookBody) -> None:
    """Set where the project's webhooks go and the secret that signs them."""
    try:
        await actions.save_endpoint(
            call.context,
            call.db,
            call.project,
            purpose=Purpose.STORE,
            url=body.url,
            secret=body.secret,
            is_enabled=body.is_enabled,
            version=body.version,
        )
    except AddressRefused as refused:
        raise invalid(STORE.invalid, [Fault("url", refused.reason)]) from None
