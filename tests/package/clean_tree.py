"""A clean Debian tree to install a package in, and what stands for systemd there.

The tree is made by mmdebstrap from the sources of this machine's own apt, kept as an archive under build/, and
unpacked for each test into memory, in a namespace of mounts and processes that ends with the test.
"""
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading

BASES = "build/package"
# what installing and removing any package changes
NOISE = re.compile(r"^(proc|dev|tmp|run|var/cache/(apt|debconf|ldconfig)|var/lib/(apt|dpkg)|var/log|var/backups|"
                   r"var/lib/systemd/deb-systemd-helper-(enabled|masked))(/|$)|^etc/ld\.so\.cache$")


def enter():
    """Run this program again in a namespace of its own; where that cannot be, say why and end."""
    if os.environ.get("CLEAN_TREE") == "entered":
        return
    for tool in ("mmdebstrap", "unshare", "apt-get"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    user = [] if os.getuid() == 0 else ["--user", "--map-auto", "--map-root-user"]
    unshare = ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child"]
    tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True,
                           check=False)
    if tried.returncode:
        skip("neither root nor namespaces: " + tried.stderr.strip().replace("\n", " "))
    base_archive()
    os.environ["CLEAN_TREE"] = "entered"
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def skip(why):
    print(f"skipped: the package in a clean tree ({why})")
    sys.exit(0)


def sources():
    """Lines of sources.list: what this machine's apt has of Debian, from wherever it has it."""
    form = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    out = subprocess.run(["apt-get", "indextargets", "Created-By: Packages", "--format", form], check=True,
                         capture_output=True, text=True).stdout
    lines = sorted({f"deb {uri} {suite} {component}" for origin, uri, suite, component in
                    (line.split("|") for line in out.split()) if origin == "Debian"})
    if not lines:
        skip("apt knows no source of Debian packages: apt-get update")
    return lines


def base_archive():
    lines = sources()
    name = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    path = f"{BASES}/base-{name}.tar"
    if os.path.exists(path):
        return path
    os.makedirs(BASES, exist_ok=True)
    proxies = [f"--aptopt={line}" for line in subprocess.run(["apt-config", "dump"], capture_output=True, text=True,
                                                             check=True).stdout.split("\n")
               if re.match(r"Acquire::https?::Proxy ", line)]
    made = subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--skip=cleanup/apt/lists,cleanup/apt/cache",
                           *proxies, "", f"{path}.new.tar", "-"], input="\n".join(lines) + "\n", text=True,
                          capture_output=True, check=False)
    if made.returncode:
        print(f"mmdebstrap: {made.stderr[-4000:]}")
        sys.exit(1)
    os.rename(f"{path}.new.tar", path)
    return path


class Tree:
    """A Debian in memory, as long as this process lives."""

    def __init__(self):
        self.root = "/mnt"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", self.root], check=True)
        subprocess.run(["tar", "-xf", base_archive(), "-C", self.root, "--exclude=./dev/*"], check=True)
        subprocess.run(["mount", "-t", "proc", "none", self.path("/proc")], check=True)
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            with open(self.path(f"/dev/{name}"), "w", encoding="ascii"):
                pass
            subprocess.run(["mount", "--bind", f"/dev/{name}", self.path(f"/dev/{name}")], check=True)
        os.symlink("/proc/self/fd", self.path("/dev/fd"))
        shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))

    def path(self, inside):
        return self.root + inside

    def exists(self, inside):
        return os.path.lexists(self.path(inside))

    def read(self, inside):
        with open(self.path(inside), encoding="utf-8") as f:
            return f.read()

    def write(self, inside, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(inside), mode)

    def run(self, *words, status=0):
        """As root; what it printed."""
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
        done = subprocess.run(["chroot", self.root, *words], env=env, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def apt(self, *words):
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *words)

    def snapshot(self):
        """{path: what it is} of everything that is not noise."""
        found = {}
        for place, folders, files in os.walk(self.root):
            inside = os.path.relpath(place, self.root)
            inside = "" if inside == "." else inside + "/"
            folders[:] = [d for d in folders if not NOISE.match(inside + d)]
            for name in folders + files:
                if NOISE.match(inside + name):
                    continue
                path = os.path.join(place, name)
                st = os.lstat(path)
                what = [stat.filemode(st.st_mode), st.st_uid, st.st_gid]
                if stat.S_ISLNK(st.st_mode):
                    what.append(os.readlink(path))
                elif stat.S_ISREG(st.st_mode):
                    with open(path, "rb") as f:
                        what.append(hashlib.sha256(f.read()).hexdigest())
                found[inside + name] = what
        return found


class Manager:
    """Does for one unit what systemd does: user, directories, credentials, environment, start and stop. What the
    scripts of a package ask of systemctl comes here."""
    UID = 61234  # of those that systemd takes for DynamicUser

    def __init__(self, tree, unit, log):
        self.tree, self.unit, self.log = tree, unit, log
        self.process = None
        self.asked = []  # of systemctl, in order
        self.statuses = []  # of every worker that has ended
        os.makedirs(tree.path("/run/systemd/system"))
        os.makedirs(tree.path("/run/manager"))
        for directory in ("/var/lib/private", "/var/cache/private", "/var/log/private"):
            os.makedirs(tree.path(directory), exist_ok=True)
            # systemd lets nobody but root pass and gives the unit a mount of its own there
            os.chmod(tree.path(directory), 0o711)
        for name in ("ask", "answer"):
            os.mkfifo(tree.path(f"/run/manager/{name}"))
        tree.write("/usr/bin/systemctl", '#!/bin/sh\necho "$*" >/run/manager/ask\n'
                   'read -r status </run/manager/answer\nexit "$status"\n', 0o755)
        path = tree.path("/run/systemd/notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.settimeout(60)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with open(self.tree.path("/run/manager/ask"), encoding="utf-8") as f:
                words = [w for w in f.read().split() if w not in ("--system", "--quiet", "--")]
            self.asked.append(" ".join(words))
            status = 0
            try:
                if words[0] == "stop":
                    self.stop()
                elif words[0] == "try-restart" and self.process:
                    self.stop()
                    self.start()
                elif words[0] in ("start", "restart"):
                    self.start()
            except Exception as e:  # whoever asked must hear
                self.asked.append(f"failed: {e}")
                status = 1
            with open(self.tree.path("/run/manager/answer"), "w", encoding="utf-8") as f:
                f.write(f"{status}\n")

    def settings(self):
        """{key: values} of the unit and its drop-ins, specifiers replaced."""
        texts = [self.tree.read(f"/lib/systemd/system/{self.unit}")]
        drop_ins = f"/etc/systemd/system/{self.unit}.d"
        if self.tree.exists(drop_ins):
            texts += [self.tree.read(f"{drop_ins}/{name}") for name in sorted(os.listdir(self.tree.path(drop_ins)))]
        found = {}
        for key, value in re.findall(r"^(\w+)=(.*)$", "\n".join(texts), re.M):
            for mark, text in (("%C", "/var/cache"), ("%S", "/var/lib"), ("%d", f"/run/credentials/{self.unit}")):
                value = value.replace(mark, text)
            found.setdefault(key, []).append(value)
        return found

    def make_directory(self, base, name):
        path = self.tree.path(f"{base}/private/{name}")
        if not os.path.exists(path):
            os.mkdir(path, 0o700)
        if not os.path.lexists(self.tree.path(f"{base}/{name}")):
            os.symlink(f"private/{name}", self.tree.path(f"{base}/{name}"))
        os.chown(path, self.UID, self.UID)

    def environment(self, settings):
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "NOTIFY_SOCKET": "/run/systemd/notify"}
        env["WATCHDOG_USEC"] = str(int(settings["WatchdogSec"][0].rstrip("s")) * 1000000)
        env.update(item.split("=", 1) for item in settings["Environment"])
        return env

    def load_credentials(self, settings):
        place = f"/run/credentials/{self.unit}"
        os.makedirs(self.tree.path(place), exist_ok=True)
        for item in settings.get("LoadCredential", []):
            name, source = item.split(":", 1)
            self.tree.write(f"{place}/{name}", self.tree.read(source), 0o400)
            os.chown(self.tree.path(f"{place}/{name}"), self.UID, self.UID)

    def start(self):
        """By the unit's own line; returns when the worker says that it is ready."""
        settings = self.settings()
        self.make_directory("/var/lib", settings["StateDirectory"][0])
        self.make_directory("/var/cache", settings["CacheDirectory"][0])
        self.load_credentials(settings)

        def confine():
            os.chroot(self.tree.root)
            os.chdir("/")
            os.setgroups([])
            os.setgid(self.UID)
            os.setuid(self.UID)
            os.umask(int(settings["UMask"][0], 8))
        self.process = subprocess.Popen(settings["ExecStart"][0].split(), env=self.environment(settings),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=confine)
        while "READY=1" not in self.socket.recv(4096).decode():
            assert self.process.poll() is None, f"the worker ended with {self.process.returncode}"

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        self.statuses.append(self.process.wait(timeout=40))
        self.process = None
