"""The two servers: a plain one on loopback for all but Entra, and Entra over TLS."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox import control, partner_center, webhook_api
from sandbox.delivery import ISSUER
from sandbox.entra_routes import EntraRoutes
from sandbox.faults import middleware
from sandbox.house import REGISTRATION_API, House
from sandbox.loopback import is_here
from sandbox.webhook_certificates import FILE, Kind
from sandbox.webhooks import CERTIFICATE_PATH

FOLDER = Path(__file__).parent
PAGE = FOLDER / "page"
RENDERER = FOLDER / "node_modules" / "adaptivecards" / "dist"
LETTERS = FOLDER / "node_modules" / "@fontsource" / "kosugi" / "files"
"""Japanese, for machines that have no letters for it."""
MAX_BODY = 4 * 1024 * 1024


def plain_app(house: House) -> web.Application:
    """The plain server: Teams, keys, Partner Center, the authorize page, control and chat page."""
    app = web.Application(middlewares=[only_from_here, control.say_why], client_max_size=MAX_BODY)
    app.add_routes(_entra_routes(house).plain_routes())
    app.add_routes(control.routes(house))
    app.add_subapp("/teams/", _connector_app(house))
    app.add_subapp("/botframework/", _keys_app(house))
    app.add_subapp("/partnercenter/", partner_center.app(house.world, house.entra.tokens))
    app.add_subapp(REGISTRATION_API, _registration_app(house))
    app.router.add_get("/", _index)
    if RENDERER.is_dir():
        app.router.add_static("/adaptivecards", RENDERER)
    if LETTERS.is_dir():
        app.router.add_static("/letters", LETTERS)
    app.router.add_static("/", PAGE)
    return app


def tls_app(house: House) -> web.Application:
    """Entra over TLS, for the bot, and the certificates that sign notifications."""
    app = web.Application(
        middlewares=[only_from_here, middleware("entra", house.world.faults)],
        client_max_size=MAX_BODY,
    )
    app.add_routes([web.get(f"{CERTIFICATE_PATH}/{{kind}}/{FILE}", _certificate(house))])
    app.add_routes(_entra_routes(house).tls_routes())
    return app


@web.middleware
async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not this machine, and the Origin of any page but our own: no other
    web page, wherever it comes from, may do anything here."""
    own = f"{request.scheme}://{request.host}"
    if not is_here(own) or request.headers.get("Origin", own) != own:
        return web.Response(status=403, text="The sandbox answers on this machine only.")
    return await handler(request)


async def _index(request: web.Request) -> web.FileResponse:
    """The chat page; in no other page's frame, where people press what they do not see."""
    headers = {"Cache-Control": "no-cache", "X-Frame-Options": "DENY"}
    return web.FileResponse(PAGE / "index.html", headers=headers)


def _entra_routes(house: House) -> EntraRoutes:
    return EntraRoutes(house.entra, house.addresses.tls, house.addresses.plain)


def _registration_app(house: House) -> web.Application:
    api = webhook_api.WebhookApi(house.webhooks, house.entra.tokens, house.world.clock)
    app = web.Application(middlewares=[middleware(webhook_api.API_NAME, house.world.faults)])
    app.add_routes(api.routes())
    return app


def _certificate(house: House) -> Handler:
    certificates = house.webhooks.certificates

    async def give(request: web.Request) -> web.Response:
        certificates.fetched.append(request.path)
        try:
            pair = certificates.pair(Kind(request.match_info["kind"]))
        except ValueError as error:
            raise web.HTTPNotFound from error
        return web.Response(body=pair.certificate, content_type="application/x-x509-ca-cert")

    return give


def _connector_app(house: House) -> web.Application:
    connector = house.connector
    app = web.Application(
        middlewares=[
            connector.record,
            middleware("connector", house.world.faults),
            connector.guard,
        ],
        client_max_size=MAX_BODY,
    )
    app.add_routes(connector.routes())
    return app


def _keys_app(house: House) -> web.Application:
    base = f"{house.addresses.plain}/botframework"

    async def metadata(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{base}/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def keys(request: web.Request) -> web.Response:
        return web.json_response(house.channel_keys.jwks())

    app = web.Application(middlewares=[middleware("keys", house.world.faults)])
    app.add_routes(
        [
            web.get("/.well-known/openidconfiguration", metadata),
            web.get("/.well-known/keys", keys),
        ]
    )
    return app
