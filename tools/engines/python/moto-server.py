"""moto's server, configured to execute state machines, with Lambda invocations forwarded over HTTP.

usage: python moto-server.py PORT LAMBDA_URL
"""

import os
import sys
import time
import types
import urllib.request

import end_with_parent

port, lambda_url = sys.argv[1], sys.argv[2]
# moto creates its own SDK clients for tasks. They need any credentials.
os.environ.update(MOTO_PORT=port, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")

from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

default_user_config["stepfunctions"] = {"execute_state_machine": True}
default_user_config["lambda"] = {"use_docker": False}


def invoke(self, function_name, qualifier, body, headers, response_headers):
    """Forwards the payload, and returns the response with the header that marks a failure."""
    name = function_name.split(":")[-1]
    data = body.encode() if isinstance(body, str) else body or b"{}"
    request = urllib.request.Request(f"{lambda_url}/2015-03-31/functions/{name}/invocations", data=data, method="POST")
    with urllib.request.urlopen(request) as answer:
        error = answer.headers.get("x-amz-function-error")
        if error:
            response_headers["x-amz-function-error"] = error
        return answer.read()


LambdaSimpleBackend.invoke = invoke

# Retries wait a fiftieth of their interval.
retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))

main(["-H", "127.0.0.1", "-p", port])
