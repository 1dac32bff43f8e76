"""What `sam build` made: the size of each function's zip, and its cold start: from the start of
the process to its first request for an event, and what is resident then. Twenty starts each.

    python tests/aws/cold_start.py                  of .aws-sam/build
    INSIDERS_BIN=target/release python tests/aws/cold_start.py    of other binaries

Fails where a zip is too large or a start needs too much memory; times are the machine's."""

import http.server
import io
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from local_aws import template  # noqa: E402

STARTS, ZIP_MB, RESIDENT_MIB = 20, 8, 40
asked, hold = threading.Event(), threading.Event()


class Runtime(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.set()
        hold.wait()

    def log_message(self, *_):
        pass


def zipped(path):
    """Bytes of the zip that `sam deploy` uploads."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "bootstrap")
    return len(made.getvalue())


def start(path, port):
    """Milliseconds and MiB of one start."""
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": path.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "g",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "BUCKET": "insiders",
        "DATABASE_URL": "postgres://insiders@db.example/insiders?sslmode=require",
        "DATABASE_AUTH": "iam",
    }
    asked.clear()
    began = time.perf_counter()
    process = subprocess.Popen([path], env=environment)
    try:
        if not asked.wait(10):
            raise TimeoutError(f"{path.name} asked for no event")
        took = (time.perf_counter() - began) * 1000
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.kill()
        process.wait()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return took, int(resident.split()[1]) / 1024


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    too_much = False
    for function in template.FUNCTIONS:
        path = template.bootstrap(function)
        size = zipped(path) / 1e6
        starts = [start(path, server.server_port) for _ in range(STARTS)]
        took, resident = zip(*starts)
        print(
            f"{template.binary(function)}: {path.stat().st_size / 1e6:.1f} MB, "
            f"zip {size:.2f} MB; of {STARTS} cold starts median {statistics.median(took):.1f} ms, "
            f"worst {max(took):.1f} ms, {max(resident):.1f} MiB resident"
        )
        too_much |= size > ZIP_MB or max(resident) > RESIDENT_MIB
    if too_much:
        sys.exit(f"more than {ZIP_MB} MB zipped or {RESIDENT_MIB} MiB resident")


main()
