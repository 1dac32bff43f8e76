"""moto's services as one server, with what it lacks: the way from a rule to a state machine,
and from a state machine to functions that run outside of it."""

import copy
import dataclasses
import datetime
import io
import json
import logging
import re
import sys
import threading
import urllib.parse
import urllib.request
import uuid

import boto3
import werkzeug.serving
from moto.events import models as events
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.parser.asl.utils import boto_client

from .template import REGION


@dataclasses.dataclass(frozen=True)
class Request:
    """What a caller, known by its access key, asked of a service."""

    key: str
    service: str
    method: str
    path: str
    query: dict
    target: str
    trace: str
    body: bytes
    missing: bool


class Recorder:
    """Every request by its access key, and faults of S3 on demand."""

    def __init__(self, app):
        self.app, self.requests, self.faults, self.lock = app, [], {}, threading.Lock()
        # Called once, before the next request of a key.
        self.before = {}

    def __call__(self, environ, start_response):
        signed = environ.get("HTTP_AUTHORIZATION", "")
        found = re.search(r"Credential=([^/]+)/\d+/[^/]+/(\w+)/", signed)
        if not found:
            return self.app(environ, start_response)
        key, service = found.groups()
        if happens := self.before.pop(key, None):
            happens()
        if service == "s3" and self._fails(key):
            start_response("503 Slow Down", [("content-type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>injected</Message></Error>"]
        body = b""
        if service != "s3":  # small, and says what the request is about
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)

        def recorded(status, headers, *rest):
            request = Request(
                key,
                service,
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                query,
                environ.get("HTTP_X_AMZ_TARGET", ""),
                environ.get("HTTP_X_AMZN_TRACE_ID", ""),
                body,
                status.startswith("404"),
            )
            with self.lock:
                self.requests.append(request)
            return start_response(status, headers, *rest)

        return self.app(environ, recorded)

    def _fails(self, key):
        with self.lock:
            left = self.faults.get(key, 0)
            self.faults[key] = max(0, left - 1)
        return left > 0

    def of(self, key):
        with self.lock:
            return [request for request in self.requests if request.key == key]


class Cloud:
    """The server, and clients for it."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.recorder = Recorder(DomainDispatcherApplication(create_backend_app))
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, self.recorder, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.lambda_url = self.spark = None
        self._serve_state_machines()
        self._start_by_rule()
        config = {"stepfunctions": {"execute_state_machine": True}}
        urllib.request.urlopen(f"{self.url}/moto-api/config", json.dumps(config).encode())

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="tests",
            aws_secret_access_key="secret",
        )

    def _serve_state_machines(self):
        """Their calls go to this server's port; those of Lambda to the Invoke API."""
        cloud = self

        class Boto3:
            @staticmethod
            def client(**arguments):
                # moto knows whose call it is and does not say: the role's name is the key.
                state = sys._getframe(1).f_locals["state_credentials"]
                arguments["aws_access_key_id"] = state.role_arn.rpartition("/")[2]
                if arguments["service_name"] == "emr-serverless":
                    return cloud.spark
                lambda_ = arguments["service_name"] == "lambda"
                arguments["endpoint_url"] = cloud.lambda_url if lambda_ else cloud.url
                client = boto3.client(**arguments)
                # A definition writes StateMachineArn, the API stateMachineArn: the service
                # translates, moto does not.
                client.meta.events.register(
                    "provide-client-params.stepfunctions.StartExecution",
                    lambda params, **_: {k[0].lower() + k[1:]: v for k, v in params.items()},
                )
                client.meta.events.register("provide-client-params.s3.PutObject", written)
                return client

        boto_client.boto3 = Boto3

    def _start_by_rule(self):
        cloud, others = self, events.Rule.send_to_targets

        def send(rule, event, transform_input=True):
            machines = [t["Arn"] for t in rule.targets if ":states:" in t["Arn"]]
            if not machines:
                others(rule, event, transform_input)
            elif rule.event_pattern.matches_event(event):
                for machine in machines:
                    cloud.start(machine, json.dumps(tidied(event)))

        events.Rule.send_to_targets = send

    def start(self, machine, text):
        """Starts an execution as EventBridge and the scheduler do: by a name of its own."""
        name = str(uuid.uuid4())
        states = self.client("stepfunctions")
        return states.start_execution(stateMachineArn=machine, name=name, input=text)[
            "executionArn"
        ]

    def stop(self):
        self.server.shutdown()


def written(params, **_):
    """The service writes a body that is an object as JSON."""
    return params | {"Body": json.dumps(params["Body"]).encode()}


def tidied(event):
    """As the real service writes it."""
    event = copy.deepcopy(event)
    event["id"] = str(uuid.uuid4())
    event["time"] = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = event["detail"]["object"]
    item["etag"] = item.pop("eTag", item.get("etag"))
    return event
