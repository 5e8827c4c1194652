"""Orders, as a studio's back end looks for them."""

from datetime import UTC, datetime

from haversack.errors import STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.orders import overviews
from haversack.orders.wire import FoundOrderView, OrderSearchBody, OrdersView

area = Area("order", family=STORE, prefix="/api")


@area.post("/v3/project/{project_id}/admin/order/search", only_reads=True)
async def admin_order_search(call: AdminCall, body: OrderSearchBody | None = None) -> OrdersView:
    """Look for orders by the time of their creation, oldest first."""
    asked = body or OrderSearchBody()
    page = await overviews.search_orders(
        call.db,
        call.project_id,
        created_from=_moment(asked.created_date_from),
        created_until=_moment(asked.created_date_until),
        offset=asked.offset,
        limit=asked.limit,
    )
    return OrdersView(
        orders=[FoundOrderView.of(order) for order in page.orders],
        total_items_count=page.total,
        has_more=page.has_more,
    )


def _moment(given: datetime | None) -> datetime | None:
    """A moment without an offset is one in UTC."""
    return given.replace(tzinfo=UTC) if given is not None and given.tzinfo is None else given
