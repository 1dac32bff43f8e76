"""`sam local invoke` of what `sam build` made: each function in Lambda's container with its
sample event, against a local S3 and a real Postgres behind RDS's sign-in. Prints a transcript
of each. The answer of one stage is the sample event of the next.

    python tests/aws/sam_local.py             needs root, docker.io, debootstrap, postgresql
    python tests/aws/sam_local.py --update    writes the sample events anew

Docker runs in namespaces of its own, which end with this program: nothing listens outside of
them, and no rule or process of the machine changes."""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from local_aws import template  # noqa: E402
from local_aws.cloud import Cloud  # noqa: E402
from local_aws.deployment import BUCKET, generate  # noqa: E402
from local_aws.net import wait_for  # noqa: E402
from local_aws.postgres import Postgres  # noqa: E402
from local_aws.rds import Rds  # noqa: E402

BUILT = template.ROOT / ".aws-sam" / "build" / "template.yaml"
BASE = template.ROOT / ".aws-sam" / "base.tar"
IMAGE = "public.ecr.aws/lambda/provided:al2023-x86_64"
EVENTS = template.ROOT / "events"
# Each with the sample event that its answer is.
STAGES = (
    ("PreprocessFunction", "embed.json"),
    ("EmbedFunction", "publish.json"),
    ("PublishFunction", None),
)
# Docker's own bridge, in a network where there is no other.
BRIDGE = "172.17.0.1"
USER = template.parameter("DatabaseUser")


def run(*command, **more):
    """Its output; an error says what it said."""
    done = subprocess.run(command, capture_output=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.decode().strip()}")
    return done.stdout


def base_image():
    """A small Debian in place of Amazon's image, which can't be had without its registry: the
    same interface emulator, the same limits, another C library."""
    if BASE.exists():
        return
    with tempfile.TemporaryDirectory() as root:
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root)
        made = BASE.with_suffix(".part")
        run("tar", "-C", root, "-cf", made, "--exclude=./var/cache/*", "--exclude=./dev/*", ".")
        made.rename(BASE)


def docker(directory):
    """A daemon of our own, and the way from its containers to this network's loopback."""
    socket = f"unix://{directory}/docker.sock"
    os.environ["DOCKER_HOST"] = socket
    log = open(directory / "docker.log", "wb")
    place = ["--data-root", directory / "data", "--exec-root", directory / "exec"]
    place += ["--pidfile", directory / "docker.pid", "--host", socket]
    daemon = subprocess.Popen(["dockerd", *place], stdout=log, stderr=log)

    def answers():
        if daemon.poll() is not None:
            raise RuntimeError(f"dockerd: {(directory / 'docker.log').read_text()[-2000:]}")
        return subprocess.run(["docker", "version"], capture_output=True).returncode == 0

    wait_for("dockerd", answers)
    run("docker", "import", "--change", "WORKDIR /var/task", BASE, IMAGE)
    pathlib.Path("/proc/sys/net/ipv4/conf/docker0/route_localnet").write_text("1")
    into = ["-t", "nat", "-A", "PREROUTING", "-i", "docker0", "-d", BRIDGE, "-p", "tcp"]
    run("iptables", *into, "-j", "DNAT", "--to-destination", "127.0.0.1")
    return daemon


def local_template(directory, s3_port):
    """The built template with one variable more, where S3 is, and the authority of the
    stand-in for RDS in the layer. Next to the built one: its places are relative."""
    text = BUILT.read_text()
    endpoint = f"AWS_ENDPOINT_URL: http://{BRIDGE}:{s3_port}"
    text, variables = re.subn(r"( +)RUST_LOG: info\n", rf"\g<0>\1{endpoint}\n", text)
    text, layers = re.subn(
        r"ContentUri: .*rds-authorities/?\n", f"ContentUri: {directory}/layer\n", text
    )
    assert (variables, layers) == (1, 1), "the built template is not as expected"
    path = BUILT.with_name("local.yaml")
    path.write_text(text)
    return path


def invoke(directory, path, function, event, url):
    """The answer; log and answer are printed as sam shows them."""
    variables = {function: {"BUCKET": BUCKET}}
    if function == "PublishFunction":
        variables[function]["DATABASE_URL"] = url
    (directory / "env.json").write_text(json.dumps(variables))
    command = ["sam", "local", "invoke", function, "--event", event]
    shown = " ".join(["sam", "local", "invoke", function, "--event", f"events/{event.name}"])
    command += ["--template", path, "--env-vars", directory / "env.json", "--skip-pull-image"]
    command += ["--layer-cache-basedir", directory / "layers"]
    role = {
        "AWS_ACCESS_KEY_ID": function,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "session",
        "AWS_DEFAULT_REGION": template.REGION,
        "SAM_CLI_TELEMETRY": "0",
    }
    done = subprocess.run(command, env=os.environ | role, capture_output=True, text=True)
    print(f"\n$ {shown}\n{done.stderr.strip()}\n{done.stdout.strip()}", flush=True)
    if done.returncode != 0:
        raise RuntimeError(f"sam local invoke {function} ended with {done.returncode}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if "errorType" in answer:
        raise RuntimeError(f"{function} failed")
    return answer


def without_measures(state):
    return {name: value for name, value in state.items() if name != "stages"}


def inside(update):
    """Everything, in namespaces of our own."""
    run("ip", "link", "set", "lo", "up")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "layer").mkdir()
        directory.chmod(0o755)
        daemon = docker(directory)
        cloud, postgres = Cloud(), Postgres()
        try:
            postgres.admit(USER)
            rds = Rds(postgres.port, directory / "layer", BRIDGE)
            upload(cloud, directory)
            path = local_template(directory, cloud.server.server_port)
            event = EVENTS / "preprocess.json"
            for function, after in STAGES:
                answer = invoke(directory, path, function, event, rds.url(USER))
                if after:
                    event = next_event(answer, EVENTS / after, directory, update)
            judge(postgres, rds, answer)
        finally:
            postgres.remove()
            daemon.terminate()
            daemon.wait()


def upload(cloud, directory):
    """The sample events name one version of one object: the same in each run."""
    s3 = cloud.client("s3")
    place = {"LocationConstraint": template.REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    versions = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versions)
    key = json.loads((EVENTS / "preprocess.json").read_text())["source"]["key"]
    body = generate(directory / "sales.csv", 1)
    urllib.request.urlopen(urllib.request.Request(f"{cloud.url}/moto-api/seed?a=42", method="POST"))
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def next_event(answer, path, directory, update):
    """The sample, where it is what the stage before said. Where models or defaults have changed
    since it was written, and so digests in it: what the stage said, if it is of the same shape."""
    if update:
        path.write_text(json.dumps(answer, indent=2) + "\n")
    sample = json.loads(path.read_text())
    if without_measures(answer) == without_measures(sample):
        return path
    if shape(answer) != shape(sample):
        raise AssertionError(f"events/{path.name} is of another shape than what is said: --update")
    print(f"\nevents/{path.name} is of other models or defaults: sent with the digests of these")
    path = directory / path.name
    path.write_text(json.dumps(answer))
    return path


def shape(value):
    """Its names, without those that measures and lists of values have."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {name: shape(one) for name, one in value.items() if name != "steps"}


def judge(postgres, rds, answer):
    """Readers of Postgres see what the answer says."""
    rows = postgres.ask("SELECT min(run_id), count(*) FROM insiders.insiders")
    publication = answer["publication"]
    assert rows == [(answer["run_id"], str(publication["customers"]))], rows
    assert publication["current"] and not rds.refused
    assert set(rds.connections) == {("PublishFunction", USER)}
    print(f"\nPostgres shows run {answer['run_id']} with {publication['customers']} customers")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        return inside(given.update)
    if not BUILT.exists():
        sys.exit(f"{BUILT} is not there: sam build")
    for program in ("sam", "docker", "dockerd", "debootstrap", "iptables", "unshare"):
        if not shutil.which(program):
            sys.exit(f"{program} is not there: apt-get install docker.io debootstrap iptables")
    base_image()
    namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    more = ["--update"] if given.update else []
    os.execvp("unshare", ["unshare", *namespaces, sys.executable, __file__, "--inside", *more])


main()
