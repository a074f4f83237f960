"""HTTP under the egress policy: the address that was checked is the one that is connected to.

A name is resolved once, here; the connection goes to the address found, while `Host` and the name that the
server's certificate is checked for stay what was asked for. Each redirect comes through here again.
"""

import ssl
from contextlib import suppress

import httpx2

from ostro.actions.egress import Egress, Refused

# Two hosts at one address are not one: a connection is of the host that it was opened for.
_NOT_KEPT = httpx2.Limits(max_keepalive_connections=0)
_PORTS = {"http": 80, "https": 443}


class Guarded(httpx2.AsyncBaseTransport):
    """Opens what the policy permits. Raises Refused, and what httpx2 raises."""

    def __init__(self, egress: Egress, trust: ssl.SSLContext, proxies: dict[str, str]) -> None:
        self._egress = egress
        self._trust = trust
        self._proxies = proxies
        self._direct = httpx2.AsyncHTTPTransport(verify=trust, trust_env=False, limits=_NOT_KEPT)
        self._opened = [self._direct]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, from the first permitted address that can be connected to."""
        url = request.url
        if url.scheme not in _PORTS:
            raise Refused(f"an address begins with http:// or https://, and this is {url}")
        host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        proxy = self._proxies.get(url.scheme)
        if proxy is not None:
            return await self._through(proxy, request, host, port)
        failed: httpx2.TransportError | None = None
        for address in await _addresses(self._egress, host, port):
            try:
                return await self._direct.handle_async_request(_pinned(request, host, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as away:
                failed = away
        raise failed or httpx2.ConnectError(f"{host} has no address")

    async def _through(self, proxy: str, request: httpx2.Request, host: str, port: int) -> httpx2.Response:
        """The proxy's address is pinned. What it makes of the name is its own matter: what is known here is checked."""
        at = httpx2.URL(proxy)
        if at.scheme != "http":
            raise Refused(f"a proxy's address begins with http://, and this is {proxy}")
        with suppress(OSError):
            await self._egress.addresses(host, port)
        (address, *_) = await _addresses(self._egress, at.raw_host.decode("ascii"), at.port or 80)
        transport = httpx2.AsyncHTTPTransport(
            verify=self._trust, trust_env=False, proxy=httpx2.Proxy(at.copy_with(host=address))
        )
        self._opened.append(transport)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes all connections."""
        for one in self._opened:
            await one.aclose()


async def _addresses(egress: Egress, host: str, port: int) -> list[str]:
    try:
        return await egress.addresses(host, port)
    except OSError as unknown:
        raise httpx2.ConnectError(f"{host}: {unknown.strerror or unknown}") from unknown


def _pinned(request: httpx2.Request, host: str, address: str) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
