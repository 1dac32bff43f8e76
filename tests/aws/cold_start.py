"""Cold start of each binary: from the start of the process to its first request for an event,
and what is resident then. Twenty starts each."""

import http.server
import os
import pathlib
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("INSIDERS_BIN", ROOT / "target" / "release"))
STARTS = 20
asked, hold = threading.Event(), threading.Event()


class Runtime(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.set()
        hold.wait()

    def log_message(self, *_):
        pass


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
    for name in ("preprocess-to-parquet", "embed-and-cluster", "publish-to-rds"):
        starts = [start(BINARIES / name, server.server_port) for _ in range(STARTS)]
        took, resident = zip(*starts)
        median, worst = statistics.median(took), max(took)
        print(f"{name}: median {median:.1f} ms, worst {worst:.1f} ms, {max(resident):.1f} MiB resident")


main()
