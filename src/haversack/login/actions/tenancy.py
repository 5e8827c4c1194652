"""Which login project a server's call is about: never another than its token's."""

from uuid import UUID

from haversack.errors import LOGIN_PARAMETERS_INVALID, LOGIN_PROJECT_NOT_FOUND, Fault
from haversack.http.calls import ServerCall
from haversack.http.problems import invalid


async def check_login_project(call: ServerCall, login_project_id: UUID | None, project_id: int | None = None) -> UUID:
    """The token's login project. Another one, named by its id or by a numbered project that uses it, is refused like
    one that does not exist; none named means the token's."""
    own = call.server.login_project_id
    if login_project_id not in (None, own):
        raise LOGIN_PROJECT_NOT_FOUND()
    if project_id is not None:
        project = await call.context.directory.find_project(project_id)
        if project is None or project.login_project_id != own:
            if login_project_id is not None:
                fault = Fault("publisher_project_id", "does not use the login project that is named beside it")
                raise invalid(LOGIN_PARAMETERS_INVALID, [fault])
            raise LOGIN_PROJECT_NOT_FOUND()
    return own
