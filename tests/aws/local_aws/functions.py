"""Lambda's Invoke API in front of the real binaries, each behind the real runtime interface
emulator. The emulator serves one call at a time and does not tell an error by a header: this
does both."""

import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.request

from .net import free_port, is_open, wait_for


EMULATORS_OWN = re.compile(r"(START|END|REPORT) RequestId: |\d\d \w{3} \d{4} [\d:,]+ \[")


def emulator():
    """The emulator that the SAM command line ships, or the one that INSIDERS_RIE names."""
    if named := os.environ.get("INSIDERS_RIE"):
        return pathlib.Path(named)
    sam = shutil.which("sam")
    if sam:
        prefix = pathlib.Path(sam).resolve().parent.parent
        found = sorted(prefix.glob("lib/python3*/site-packages/samcli/local/rapid/*rie-x86_64"))
        if found:
            return found[0]
    raise FileNotFoundError(
        "no runtime interface emulator: pip install aws-sam-cli, or INSIDERS_RIE"
    )


class Function:
    """One emulator with one bootstrap in it."""

    def __init__(self, rie, binary, environment, log):
        self.port, self.lock, self.calls, self.answers = free_port(), threading.Lock(), 0, []
        self.log = open(log, "wb")
        command = [
            str(rie),
            "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}",
            "--runtime-api-address", f"127.0.0.1:{free_port()}",
            str(binary),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        wait_for(f"the emulator of {pathlib.Path(binary).name}", lambda: is_open(self.port))

    def invoke(self, payload):
        """The answer and whether it is an error."""
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        with self.lock:
            self.calls += 1
            try:
                with urllib.request.urlopen(url, payload, timeout=900) as response:
                    body = response.read()
            except urllib.error.HTTPError as ended:  # the program ended before it answered
                body = ended.read()
        try:
            answer = json.loads(body)
        except ValueError:  # the emulator's plain text when the function ran out of time
            answer = {"errorType": "Sandbox.Timedout", "errorMessage": body.decode()}
            body = json.dumps(answer).encode()
        failed = isinstance(answer, dict) and "errorType" in answer
        self.answers.append(answer)
        return body, failed

    def crash(self):
        """Ends the program as the system does when its memory is used up."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        for pid in " ".join(path.read_text() for path in children).split():
            os.kill(int(pid), signal.SIGKILL)

    def lines(self):
        """What the function wrote, one object a line; the emulator's own lines are left out."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as log:
            lines = [line for line in log if line.strip() and not EMULATORS_OWN.match(line)]
        return [json.loads(line) for line in lines]

    def stop(self):
        # Its own session: the bootstrap ends with its emulator.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


class InvokeApi:
    """`POST /2015-03-31/functions/{name or ARN}/invocations`."""

    def __init__(self, functions):
        # (access key, function) of each call.
        self.requests = requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                payload = self.rfile.read(int(self.headers.get("content-length", 0)))
                path = urllib.request.unquote(self.path)
                name = re.search(r"/functions/(?:.*:)?([^/:]+)/invocations$", path).group(1)
                signed = self.headers.get("authorization", "")
                requests.append((re.search("Credential=([^/]+)/", signed).group(1), name))
                body, failed = functions[name].invoke(payload)
                self.send_response(200)
                if failed:
                    self.send_header("x-amz-function-error", "Unhandled")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
