import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook

webhook = Webhook(os.environ["SIGNING_SECRET"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        # Verify the body as it was sent. Parsing and serialising it again breaks the signature.
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            callback = webhook.verify(body, {name.lower(): value for name, value in self.headers.items()})
        except Exception:
            self.send_response(401)
        else:
            print(callback["jobId"], len(callback["data"]), flush=True)
            self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver).serve_forever()
