"""Lambda's Runtime API for one event, with what the emulator leaves out: a trace."""

import http.server
import json
import queue
import subprocess
import threading


def served(path, environment, event, trace):
    """The answer of the program at `path` to one event, and its log, one object a line."""
    answers, forever = queue.Queue(), threading.Event()
    events = [json.dumps(event).encode()]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not events:
                forever.wait()
            body = events.pop()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
            self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f")
            self.send_header("Lambda-Runtime-Trace-Id", trace)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            answers.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = environment | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "AWS_LAMBDA_LOG_GROUP_NAME": "g",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s",
    }
    process = subprocess.Popen([path], env=environment, stdout=subprocess.PIPE)
    try:
        answer = answers.get(timeout=60)
    finally:
        process.kill()
        log = process.communicate()[0]
        server.shutdown()
    return answer, [json.loads(line) for line in log.splitlines()]
