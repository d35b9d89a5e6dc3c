"""A webhook that tells Formo about every swap it hears of."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

from formo_lambda import FormoAnalytics, formo_flush

analytics = FormoAnalytics()  # The write key comes from FORMO_WRITE_KEY.


@formo_flush
class handler(BaseHTTPRequestHandler):  # noqa: N801 -- the name that Vercel looks for
    """Answers each request to /api/swaps."""

    def do_POST(self) -> None:
        """Take one swap, as JSON."""
        swap = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        analytics.identify(swap["wallet"], properties={"provider_name": "MetaMask", "rdns": "io.metamask"})
        analytics.track(
            "Swap Completed",
            address=swap["wallet"],
            properties={"pair": swap["pair"], "volume": swap["volume"], "revenue": swap["fee"]},
            message_id=f"swap-{swap['id']}",  # A webhook may call twice: Formo counts the same id once.
        )
        answer = json.dumps({"swap": swap["id"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
