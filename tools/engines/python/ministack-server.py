"""MiniStack with patches that bring it closer to AWS, where this project depends on it.

Error names: on AWS, Retry and Catch match the name of the thrown error (Lambda guide, "Function errors and retries": errorType).
MiniStack reports Runtime.HandlerError for all errors. Here the function's process sends the name with the message, and
execute_as_aws copies the name to errorType in the result.

IAM of state machines: on AWS, a task is a signed call with the permissions of the machine's role (Step Functions guide, "IAM
policies for integrated services"). MiniStack bypasses its own IAM. Here tasks are signed calls to AWS_ENDPOINT_URL.

Web pages: MiniStack answers all origins, with `Access-Control-Allow-Origin: *`. Here web pages, even with DNS rebinding, can only
reach the deployed APIs.

/health: MiniStack answers it itself. Here requests for it to a deployed API go to that API.

Alarms on expressions and queries (CloudWatch guide, "Create an alarm based on a metric math expression") are stored without them:
MiniStack rejects them, and evaluates no alarms.

Stage variables: MiniStack omits them from events of HTTP APIs (API Gateway guide, "payload format version"). Here they are added.
"""

import contextvars
import functools
import json
import os
import re
import sys

import end_with_parent

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
import ministack.app
from ministack.core import lambda_runtime
from ministack.services import apigateway, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners

MARK = "\u0000"
REPORTED = "error: String(err.message || err)"
REPORTED_WITH_NAME = 'error: "\\u0000" + (err.name || "Error") + "\\u0000" + String(err.message || err)'

scripts = [name for name, value in vars(lambda_runtime).items() if isinstance(value, str) and REPORTED in value]
if not scripts:
    raise SystemExit("this version of MiniStack runs Node functions differently: the patch does not apply")
for name in scripts:
    setattr(lambda_runtime, name, getattr(lambda_runtime, name).replace(REPORTED, REPORTED_WITH_NAME))

execute_function = lambda_svc._execute_function


def execute_as_aws(function, event):
    context = event.get("requestContext") if isinstance(event, dict) else None
    if isinstance(context, dict) and "apiId" in context:
        variables = apigateway._get_stage_variables(context["apiId"], context["stage"])
        event = {**event, **({"stageVariables": variables} if variables else {})}
    result = execute_function(function, event)
    body = result.get("body")
    message = body.get("errorMessage") if result.get("error") and isinstance(body, dict) else None
    if isinstance(message, str) and message.startswith(MARK):
        _, name, message = message.split(MARK, 2)
        result["body"] = {**body, "errorType": name, "errorMessage": message}
    return result


lambda_svc._execute_function = execute_as_aws

alarm_record = provisioners._cw_metric_alarm_record


def alarm_record_without_expressions(name, props):
    if props.get("Metrics"):
        stand_in = {"Namespace": "Expressions", "MetricName": name}
        props = {**{key: value for key, value in props.items() if key != "Metrics"}, **stand_in}
    return alarm_record(name, props)


provisioners._cw_metric_alarm_record = alarm_record_without_expressions

# ARN and role ARN of the state machine whose execution runs in this context.
machine = contextvars.ContextVar("machine")
run_execution = stepfunctions._run_execution


def run_as_machine(execution_arn):
    state_machine = stepfunctions._state_machines[stepfunctions._executions[execution_arn]["stateMachineArn"]]
    machine.set((state_machine["stateMachineArn"], state_machine["roleArn"]))
    run_execution(execution_arn)


stepfunctions._run_execution = run_as_machine


@functools.lru_cache
def client_of(machine_arn, role_arn, service):
    """A client with the permissions of a role. The user agent identifies the state machine."""
    *_, region, account, _, name = machine_arn.split(":")
    # MiniStack issues role credentials to functions only, so use them for a made-up function.
    as_function = f"arn:aws:lambda:{region}:{account}:function:{name}"
    access = lambda_runtime.execution_credentials({"FunctionArn": as_function, "FunctionName": name, "Role": role_arn})
    logical_id = re.search(r"[A-Z]\w*StateMachine", name)
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=access["AWS_SESSION_TOKEN"] or None,
        # Retries are up to the state machine. A Map may run forty tasks at once.
        config=Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=100,
            user_agent_appid=logical_id and logical_id.group(),
        ),
    )


def call(service, prefix, operation, **parameters):
    try:
        return getattr(client_of(*machine.get(), service), operation)(**parameters)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise stepfunctions._ExecutionError(f"{prefix}.{code}", message) from error
    except BotoCoreError as error:
        # Usually a broken connection. AWS reports such errors by this name, which Retry matches.
        print(f"{prefix}: {error!r}", file=sys.stderr, flush=True)
        raise stepfunctions._ExecutionError(f"{prefix}.SdkClientException", str(error)) from error


def invoke_function(name, event):
    answer = call("lambda", "Lambda", "invoke", FunctionName=name, Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise stepfunctions._ExecutionError(payload.get("errorType", "Lambda.Unknown"), json.dumps(payload))
    return payload


def start_execution(_resource, parameters):
    request = stepfunctions._nested_start_execution_request(parameters)
    answer = call("stepfunctions", "StepFunctions", "start_execution", **request)
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"].isoformat()}


stepfunctions._call_lambda = invoke_function
stepfunctions._invoke_nested_start_execution = start_execution

# Hosts of this machine, as in local/host-header.ts.
LOCAL_HOST = re.compile(
    r"(localhost|([\w-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\]|host\.(docker|containers)\.internal)(:\d+)?", re.I
)
API_HOST = re.compile(r"([0-9a-z]+)\.execute-api\.", re.I)
API_PATH = "/_aws/execute-api/"

app = ministack.app.app


async def refuse(send):
    body = b'{"message": "Requests of web pages are not allowed."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def guarded_app(scope, receive, send):
    if scope["type"] == "http":
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        api = API_HOST.match(host)
        is_page = "origin" in headers or "sec-fetch-site" in headers
        if not LOCAL_HOST.fullmatch(host) or (is_page and not api and not scope["path"].startswith(API_PATH)):
            return await refuse(send)
        if api and scope["path"] == "/health":
            # Address the API by path: MiniStack handles /health itself if the API is named in the host.
            path = f"{API_PATH}{api.group(1)}/$default/health"
            others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
            headers = [(b"host", f"127.0.0.1:{os.environ['GATEWAY_PORT']}".encode()), *others]
            scope = {**scope, "path": path, "raw_path": path.encode(), "headers": headers}
    await app(scope, receive, send)


ministack.app.app = guarded_app
ministack.app.main()
