"""The route table as a web application over any `System`."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glmos.abi.api import Problem
from glmos.daemon.lifetime import Lifetime
from glmos.daemon.routes import ROUTES
from glmos.daemon.serving import Served
from glmos.ports import System


def create_app(system: System, lifetime: Lifetime | None = None) -> Starlette:
    """Serve `system`; without `lifetime` for as long as the server runs."""
    lifetime = lifetime or Lifetime()
    routes = [
        Route(path, endpoint=Served(endpoint, system, lifetime), methods=[method], name=path)
        for method, path, endpoint in ROUTES
    ]
    return Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown})


async def _unknown(request: Request, error: Exception) -> Response:
    problem = Problem(error=f"The daemon has no {request.method} {request.url.path!r}.", kind="usage")
    return Response(msgspec.json.encode(problem), 404, media_type="application/json")
