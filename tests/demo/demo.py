"""The two halves of the demo that are not the worker: make the world, and show what happens in it.

    demo.py setup PORT DIR           functions, load balancers, alarms, pipelines, releases
    demo.py watch PORT DIR SPEED     print events until every pipeline has ended; check the ends
"""
import io
import json
import sys
import time
import urllib.request
import zipfile

CANARY = "canary 5% 10m, 25% 10m, 50% 10m bake 5m"

# pipeline: (target, what is released, strategy, expected end)
RELEASES = {
    "checkout": ("Lambda", "a good release", "canary", "Succeeded"),
    "payments": ("Lambda", "a bad release", "canary", "Failed"),
    "web": ("load balancer", "a good release", "blue/green", "Succeeded"),
    "shop": ("load balancer", "a bad release", "canary", "Failed"),
    "fleet": ("EC2 Auto Scaling", "a good release", "canary", "Succeeded"),
    "api": ("ECS", "a bad release", "canary", "Failed"),
}

PLAN = """rollout: 1
strategy:
  blue_green: {{ bake: 15m }}
guards:
  - {{ alarm: web-errors }}
  - {{ probe: "http://127.0.0.1:{port}/health", expect: 200, failures: 3 }}
  - {{ health: candidate }}
"""


def http(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                     data=body.encode() if body is not None else None)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def control(port, line):
    answer = http(port, "/_sim/control", line + "\n").strip()
    value = json.loads(answer.split("\n")[0])
    if isinstance(value, dict) and "error" in value:
        sys.exit(f"demo: {line}: {value['error']}")
    return value


def artifact(directory, name, files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as z:
        for path, text in files.items():
            z.writestr(path, text)
    path = f"{directory}/{name}.zip"
    with open(path, "wb") as f:
        f.write(data.getvalue())
    return path


def setup_lambda(port, name):
    control(port, f'lambda function {name} code="sim: errors=0.001" alias=live rps=50')
    control(port, f"cloudwatch alarm {name}-errors namespace=AWS/Lambda metric=Errors "
            f'dimensions="FunctionName={name},Resource={name}:live" stat=Sum period=60 '
            "threshold=30 evaluation_periods=1 missing=notBreaching state=OK")
    control(port, f"codepipeline pipeline {name} action=Rollout type=Deploy/Rollout/1 "
            f'output=Report config.Target="lambda:{name}:live" config.Strategy="{CANARY}" '
            f"config.Alarms={name}-errors")


def setup_load_balancer(port, name, errors, config):
    balancer = control(port, f"elbv2 load-balancer {name} type=application")
    control(port, f"elbv2 target-group {name}-blue targets=3 errors=0.001")
    control(port, f"elbv2 target-group {name}-green targets=3 errors={errors}")
    control(port, f"elbv2 listener {name} port=443 forward={name}-blue:100")
    rule = control(port, f"elbv2 rule {name}:443 priority=10 path=/* "
                   f"forward={name}-blue:100,{name}-green:0")
    dimension = balancer["arn"].split("loadbalancer/")[1]
    control(port, f"cloudwatch alarm {name}-errors namespace=AWS/ApplicationELB "
            f'metric=HTTPCode_Target_5XX_Count dimensions="LoadBalancer={dimension}" stat=Sum '
            "period=60 threshold=30 evaluation_periods=1 missing=notBreaching state=OK")
    control(port, f"codepipeline pipeline {name} action=Rollout type=Deploy/Rollout/1 "
            f'config.Target="load-balancer:{rule["arn"]}" {config}')
    return rule["arn"]


FLEET_PLAN = """rollout: 1
target: { auto_scaling: { group: fleet, install: { image: imageDetail.json } } }
strategy: canary 10% 10m, 50% 10m bake 5m
guards:
  - { alarm: fleet-errors }
  - { health: candidate }
"""
TASK_DEFINITION = {
    "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
    "cpu": "256", "memory": "512", "executionRoleArn": "arn:aws:iam::111122223333:role/execution",
    "containerDefinitions": [{
        "name": "app", "image": "<IMAGE1_NAME>", "essential": True,
        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}]}],
}


def setup_balancer(port, name, target_type):
    """Two empty target groups behind one rule; whoever fills them comes later."""
    dimension = control(port, f"elbv2 load-balancer {name} type=application")["arn"].split(
        "loadbalancer/")[1]
    for group in ("blue", "green"):
        control(port, f"elbv2 target-group {name}-{group} targets=0 target_type={target_type} "
                "deregistration_s=60")
    control(port, f"elbv2 listener {name} port=443 respond=503")
    rule = control(port, f"elbv2 rule {name}:443 priority=10 path=/* "
                   f"forward={name}-blue:100,{name}-green:0")["arn"]
    control(port, f"cloudwatch alarm {name}-errors namespace=AWS/ApplicationELB "
            f'metric=HTTPCode_Target_5XX_Count dimensions="LoadBalancer={dimension}" stat=Sum '
            "period=60 threshold=30 evaluation_periods=1 missing=notBreaching state=OK")
    return rule


def setup_fleet(port, name):
    """An Auto Scaling group of four; the release is a machine image."""
    rule = setup_balancer(port, name, "instance")
    control(port, f"ec2 template {name}-lt image=ami-00000000000000001")
    control(port, f"autoscaling group {name} template={name}-lt size=4 min=2 max=8 "
            f"targets={name}-blue health=ELB grace=120")
    control(port, f"codepipeline pipeline {name} action=Rollout type=Deploy/Rollout/1")
    return rule


def setup_service(port, name):
    """A service of ECS's own blue/green controller; the release is an image that fails."""
    rule = setup_balancer(port, name, "ip")
    control(port, f"ecs image {name}:1 errors=0.001")
    control(port, f"ecs image {name}:2 errors=0.5")
    control(port, f"ecs service prod/{name} alternate={name}-green rule={name}:443:10 "
            f"strategy=BLUE_GREEN desired=2 image={name}:1 group={name}-blue")
    control(port, f"codepipeline pipeline {name} action=Rollout type=Deploy/Rollout/1 "
            f"config.Alarms={name}-errors config.Target=ecs:prod/{name} "
            'config.Strategy="canary 10% 10m bake 5m"')
    return rule


def wait_for_health(port, groups):
    """Targets are checked a few times before they are called healthy, as everywhere."""
    deadline = time.time() + 60
    while time.time() < deadline:
        shown = [control(port, f"elbv2 show {g}") for g in groups]
        if all(group["targets"] and all(t["state"] == "healthy" for t in group["targets"])
               for group in shown):
            return
        time.sleep(0.1)
    sys.exit("demo: the baseline's targets did not become healthy")


def setup(port, directory):
    control(port, "codepipeline action-type Deploy Rollout 1")
    control(port, "web page * /health status=200 body=ok")
    setup_lambda(port, "checkout")
    setup_lambda(port, "payments")
    rules = [setup_load_balancer(port, "web", "0.001", ""),
             setup_load_balancer(port, "shop", "0.4", f'config.Strategy="{CANARY}" '
                                 "config.Alarms=shop-errors"),
             setup_fleet(port, "fleet"), setup_service(port, "api")]
    files = {
        "checkout": {"index.py": "# sim: errors=0.001\n"},
        "payments": {"index.py": "# sim: errors=0.5\n"},
        "web": {"index.html": "new\n", "rollout.yaml": PLAN.format(port=port)},
        "shop": {"index.html": "new\n"},
        "fleet": {"rollout.yaml": FLEET_PLAN, "imageDetail.json": '{"ImageId": "ami-0123456789abcdef1"}'},
        "api": {"taskdef.json": json.dumps(TASK_DEFINITION), "imageDetail.json": '{"ImageURI": "api:2"}'},
    }
    wait_for_health(port, [f"{name}-blue" for name in ("web", "shop", "fleet", "api")])
    for rule in rules:
        control(port, f"elbv2 rule {rule} rps=50")
    with open(f"{directory}/start", "w", encoding="ascii") as f:
        f.write(str(json.loads(http(port, "/_sim/now"))["nowMs"]))
    for name, content in files.items():
        path = artifact(directory, name, content)
        control(port, f"codepipeline push {name} file={path}")


def pipeline_of(resource):
    if resource.startswith("lambda:"):
        return resource.split(":")[1]
    return resource.split("/")[2]  # ...:listener-rule/app/NAME/...


def is_candidate(split):
    """Of a load balancer every group is recorded; the candidate is the green one."""
    return split["resource"].startswith("lambda:") or "-green/" in split["candidate"]


def candidate_share(split):
    """A promoted alias has no weights any more: everything goes to its own version, not the first."""
    if split["resource"].startswith("lambda:") and not split["candidate"]:
        return 0 if split["baseline"] == "1" else 100
    return split["weight"]


def bar(weight):
    full = round(weight / 100 * 20)
    return "█" * full + "░" * (20 - full)


class Show:
    def __init__(self, port, start):
        self.port = port
        self.n_splits = 0
        self.n_reports = {}
        self.weights = {}
        self.start = start

    def line(self, at_ms, name, text):
        seconds = max(0, int((at_ms - self.start) / 1000))
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        print(f"{clock}  {name:<9} {text}", flush=True)

    def splits(self):
        splits = json.loads(http(self.port, "/_sim/splits"))
        for s in splits[self.n_splits:]:
            if not is_candidate(s):
                continue
            name = pipeline_of(s["resource"])
            weight = candidate_share(s)
            if self.weights.get(name, [0])[-1] == weight:
                continue
            self.weights.setdefault(name, []).append(weight)
            self.line(ms(s["at"]), name, f"{bar(weight)} {weight:5.4g} % on the candidate")
        self.n_splits = len(splits)

    def reports(self):
        done = {}
        for p in json.loads(http(self.port, "/_sim/pipelines")):
            name = p["pipeline"]
            action = p["executions"][-1]["actions"][-1] if p["executions"] else None
            if not action:
                continue
            for r in action["reports"][self.n_reports.get(name, 0):]:
                if r["kind"] == "continue":
                    self.line(ms(r["at"]), name, f"· token, {r.get('percentComplete', 0)} %: {r['summary']}")
                elif r["kind"] == "success":
                    self.line(ms(r["at"]), name, f"✔ SUCCEEDED  {r['summary']}")
                else:
                    self.line(ms(r["at"]), name, f"✘ {r['failureType']}  {r['message']}")
            self.n_reports[name] = len(action["reports"])
            if action["status"] != "InProgress":
                done[name] = action
        return done


def ms(text):
    stamp = time.strptime(text.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    import calendar
    return calendar.timegm(stamp) * 1000


def watch(port, directory, speed):
    with open(f"{directory}/start", encoding="ascii") as f:
        show = Show(port, int(f.read()))
    print(f"Six pipelines, one worker; an hour takes {3600 / speed:.0f} seconds here.\n")
    for name, (target, what, strategy, _) in RELEASES.items():
        print(f"  {name:<9} {what} to {target}, {strategy}")
    print()
    deadline = time.time() + 180
    done = {}
    while time.time() < deadline and len(done) < len(RELEASES):
        show.splits()
        done = show.reports()
        time.sleep(0.1)
    return verdict(show, done)


def verdict(show, done):
    bad = 0
    print("\nThe simulator's own record of the candidate's share of traffic, and the end:\n")
    for name, (_, what, _, expected) in RELEASES.items():
        action = done.get(name)
        status = action["status"] if action else "still running"
        weights = show.weights.get(name, [])
        path = " → ".join(f"{w:.4g} %" for w in weights)
        right = status == expected and bool(weights) and weights[-1] == (
            100 if expected == "Succeeded" else 0)
        bad += not right
        print(f"  {name:<9} {what:<15} {path:<45} {status}{'' if right else '   <-- NOT as expected'}")
    print(f"\n{len(RELEASES) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1] == "setup":
        setup(int(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(watch(int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
