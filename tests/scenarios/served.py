"""The real binary against the served simulator: what the *.test scripts of this folder share.

A World is one aws-sim and at most one worker, in a private directory, both on the same accelerated
clock. Waiting is always for a condition, with a deadline.
"""
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

BUILD = os.environ.get("BUILD", "build/gcc")
SANITIZED = bool(os.environ.get("SAN"))
SPEED = 40 if SANITIZED else 90
CANARY = "canary 5% 10m, 25% 10m, 50% 10m bake 5m"


class World:
    def __init__(self, speed=SPEED, sim_options=(), worker_options=(), worker_env=(),
                 worker_prefix=(), worker_user=None):
        self.dir = tempfile.mkdtemp(prefix="rollout-served-")
        self.worker = None
        self.worker_options = list(worker_options)
        self.worker_binary = f"{BUILD}/rollout-worker"
        self.worker_env = dict(worker_env)
        self.without = []  # variables that it does not get
        self.worker_prefix = list(worker_prefix)  # of the command line: a tracer, say
        self.worker_user = worker_user  # None: who runs the test
        self.speed = speed
        self.origin = int(time.time()) * 1000
        self.log = open(f"{self.dir}/worker.log", "ab")
        port_file = f"{self.dir}/port"
        self.sim = subprocess.Popen(
            [f"{BUILD}/aws-sim", "--port-file", port_file, "--speed", str(speed), "--origin",
             str(self.origin), *sim_options], stdout=subprocess.DEVNULL)
        self.until(lambda: os.path.exists(port_file) and os.path.getsize(port_file), 30,
                   "aws-sim listens")
        with open(port_file, encoding="ascii") as f:
            self.port = int(f.read())
        self.control("codepipeline action-type Deploy Rollout 1")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.worker:
            self.worker.kill()
            self.worker.wait()
        self.sim.terminate()
        self.sim.wait()
        self.log.close()
        if kind:
            with open(f"{self.dir}/worker.log", errors="replace") as f:
                sys.stdout.write("--- the worker's log ---\n" + f.read()[-8000:])
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- the simulator -------------------------------------------------------------------------

    def http(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         data=body.encode() if body is not None else None)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def control(self, line):
        value = json.loads(self.http("/_sim/control", line + "\n").strip().split("\n")[0])
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{line}: {value['error']}")
        return value

    def lambda_pipeline(self, name, strategy=CANARY):
        self.control(f'lambda function {name} code="sim: errors=0.001" alias=live rps=50')
        self.control(f"cloudwatch alarm {name}-errors namespace=AWS/Lambda metric=Errors "
                     f'dimensions="FunctionName={name},Resource={name}:live" stat=Sum period=60 '
                     "threshold=30 evaluation_periods=1 missing=notBreaching state=OK")
        self.control(f"codepipeline pipeline {name} action=Rollout type=Deploy/Rollout/1 "
                     f'config.Target="lambda:{name}:live" config.Strategy="{strategy}" '
                     f"config.Alarms={name}-errors")

    def push(self, name, behaviour):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("index.py", f"# sim: {behaviour}\n")
        return self.push_bytes(name, data.getvalue())

    def push_bytes(self, name, data):
        path = f"{self.dir}/{name}.zip"
        with open(path, "wb") as f:
            f.write(data)
        return self.control(f"codepipeline push {name} file={path}")["executionId"]

    def action(self, name):
        for p in json.loads(self.http("/_sim/pipelines")):
            if p["pipeline"] == name and p["executions"]:
                return p["executions"][-1]["actions"][-1]
        raise AssertionError(f"no execution of {name}")

    def weights(self, name):
        """The candidate's share over time, as the simulator recorded it."""
        shares = []
        for s in json.loads(self.http("/_sim/splits")):
            if s["resource"] != f"lambda:{name}:live":
                continue
            share = s["weight"] if s["candidate"] else 0 if s["baseline"] == "1" else 100
            if not shares or shares[-1] != share:
                shares.append(share)
        return shares

    def now_ms(self):
        return json.loads(self.http("/_sim/now"))["nowMs"]

    def calls(self):
        return json.loads(self.http("/_sim/calls"))

    # --- the worker ------------------------------------------------------------------------------

    def start(self, **how):
        """how: more arguments for Popen"""
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_REGION": "eu-central-1",
               "AWS_ACCESS_KEY_ID": "AKIASIMWORKER000001", "AWS_SECRET_ACCESS_KEY": "sim-secret",
               "ROLLOUT_WORKER_TEST_CLOCK": f"{self.origin}x{self.speed}"}
        for key in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if key in os.environ:
                env[key] = os.environ[key]
        env.update(self.worker_env)
        env = {name: value for name, value in env.items() if name not in self.without}
        self.worker = subprocess.Popen(
            [*self.worker_prefix, self.worker_binary, "--state-dir", f"{self.dir}/state", *self.worker_options,
             "run"], env=env, stdout=self.log, stderr=self.log, user=self.worker_user, **how)

    def logged(self, event):
        """The lines of the log with this event."""
        with open(f"{self.dir}/worker.log", encoding="utf-8") as f:
            return [line for line in f if f"event={event} " in line or f"event={event}\n" in line]

    def until_started(self):
        self.until(lambda: self.logged("worker.started"), 60, "the worker has started")

    def kill(self):
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait()
        self.worker = None

    def terminate(self, limit_s=35):
        """SIGTERM; the exit status, and how long it took in real seconds."""
        start = time.monotonic()
        self.worker.send_signal(signal.SIGTERM)
        status = self.worker.wait(timeout=limit_s)
        self.worker = None
        return status, time.monotonic() - start

    def log_text(self):
        with open(f"{self.dir}/worker.log", errors="replace") as f:
            return f.read()

    def until(self, condition, limit_s, what):
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"not within {limit_s} s: {what}")

    def until_over(self, name, limit_s=180):
        def over():
            a = self.action(name)
            return a if a["status"] != "InProgress" else None
        return self.until(over, limit_s, f"the action of {name} is over")


def main(tests):
    """Run the tests named on the command line, or all; print what tests/run counts."""
    passed = failed = 0
    for test in tests:
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        try:
            test()
            print(f"ok {test.__name__}", flush=True)
            passed += 1
        except Exception as e:  # the others still run
            import traceback
            traceback.print_exc(file=sys.stdout)
            print(f"not ok {test.__name__}: {e}", flush=True)
            failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
