"""What every answer says to the browser, and which requests are not even read."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo.errors import InputError
from web.errors import TooLargeError, problem
from web.settings import WebSettings

CONTENT_POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; connect-src 'self'{hosts}; "
    "img-src 'self' data: blob:{hosts}; style-src 'self'; font-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
# Where whole files come in: these bodies may be as large as ``GRIDBEAT_WEB_LARGEST_FILE``.
TAKES_FILES = frozenset({"/api/v1/missions/check"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()",
}


class Guard:
    """The outermost layer: host names, size of bodies, and the headers of every answer."""

    def __init__(self, app: ASGIApp, *, settings: WebSettings) -> None:
        self.app = app
        self.hosts = settings.hosts()
        self.largest = settings.largest_body
        self.largest_file = settings.largest_file
        hosts = "".join(f" {host}" for host in settings.basemap.hosts())
        self.headers = HEADERS | {"Content-Security-Policy": CONTENT_POLICY.format(hosts=hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        largest = self.largest_file if scope["path"] in TAKES_FILES else self.largest
        refusal = self._refuse(Headers(scope=scope), largest)
        if refusal is not None:
            await problem(Request(scope), refusal)(scope, receive, send_guarded)
            return
        await self.app(scope, self._counted(receive, largest), send_guarded)

    def _refuse(self, headers: Headers, largest: int) -> InputError | None:
        """Return why a request is not read; a foreign name may be DNS rebinding."""
        if host_name(headers.get("host", "")) not in self.hosts:
            return InputError("this service does not answer to that host name")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > largest:
            return TooLargeError(f"the body is larger than {largest} bytes")
        return None

    def _counted(self, receive: Receive, largest: int) -> Receive:
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                raise TooLargeError(f"the body is larger than {largest} bytes")
            return message

        return receive_counted


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0].lower() + "]"
    return header.partition(":")[0].lower()
