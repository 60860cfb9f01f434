"""MiniStack, with the names of errors that Node functions throw.

AWS hands Retry and Catch the name of the thrown error (Lambda guide, "Function errors and retries": errorType). MiniStack calls
every one of them Runtime.HandlerError. Here the process of a function tells the name with the message, and what the state
machine sees is put right.
"""

import json

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import stepfunctions

MARK = "\u0000"
TOLD = "error: String(err.message || err)"
TELLS_NAME = 'error: "\\u0000" + (err.name || "Error") + "\\u0000" + String(err.message || err)'

scripts = [name for name, value in vars(lambda_runtime).items() if isinstance(value, str) and TOLD in value]
if not scripts:
    raise SystemExit("this version of MiniStack runs Node functions in another way")
for name in scripts:
    setattr(lambda_runtime, name, getattr(lambda_runtime, name).replace(TOLD, TELLS_NAME))

call_lambda = stepfunctions._call_lambda


def call_and_name(function, event):
    try:
        return call_lambda(function, event)
    except stepfunctions._ExecutionError as error:
        payload = json.loads(error.cause)
        message = payload.get("errorMessage", "")
        if not message.startswith(MARK):
            raise
        _, name, message = message.split(MARK, 2)
        cause = json.dumps({**payload, "errorType": name, "errorMessage": message})
        raise stepfunctions._ExecutionError(name, cause) from error


stepfunctions._call_lambda = call_and_name

main()
