"""botbuilder's CloudAdapterBase over our connector: turns and their sends, no client of its own."""

from __future__ import annotations

from botbuilder.core import CloudAdapterBase
from botbuilder.schema import Activity, ResourceResponse
from botframework.connector.auth import ConnectorFactory

from bot.teams.connector import Connector
from bot.teams.refusal import Reason, Refused


class TeamsAdapter(CloudAdapterBase):  # type: ignore[misc]
    """Runs a turn. What a turn raises reaches the caller, as there is no `on_turn_error`."""


class SharedConnectors(ConnectorFactory):  # type: ignore[misc]
    """Hands every turn a client over the one session."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def create(self, service_url: str, audience: str) -> TurnClient:
        """A client for one allowed connector. Raises Refused(403) for any other host."""
        if not self._connector.allows(service_url):
            raise Refused(403, Reason.HOST)
        return TurnClient(self._connector, service_url)


class TurnClient:
    """What botbuilder expects of a connector client: `conversations`."""

    def __init__(self, connector: Connector, service_url: str) -> None:
        self.conversations = TurnConversations(connector, service_url)


class TurnConversations:
    """The four calls that a TurnContext makes. Each raises SendFailed."""

    def __init__(self, connector: Connector, service_url: str) -> None:
        self._connector = connector
        self._service_url = service_url

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Post at the end of the conversation."""
        return await self.reply_to_activity(conversation_id, None, activity)

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str | None, activity: Activity
    ) -> ResourceResponse:
        """Post below another activity."""
        sent = await self._connector.post_activity(
            self._service_url, conversation_id, activity.serialize(), activity_id
        )
        return ResourceResponse(id=sent)

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Replace an activity."""
        await self._connector.put_activity(
            self._service_url, conversation_id, activity_id, activity.serialize()
        )
        return ResourceResponse(id=activity_id)

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Delete an activity."""
        await self._connector.delete_activity(self._service_url, conversation_id, activity_id)
