"""Headless Chromium through its debugging pipe: pages shown as a person would see them.

The protocol (Chrome DevTools Protocol, stable version 1.3) is JSON texts that end with NUL, written
to descriptor 3 of the browser and read from its descriptor 4.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# What a machine can see of a page: too wide for the window; texts outside of their plot, or on
# top of each other; texts with too little contrast are looked for by eye.
LOOK = """(() => {
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth)
    found.push(`the page is ${page.scrollWidth} wide, the window ${page.clientWidth}`);
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    if (!svg.getClientRects().length) continue;
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
    for (const [text, t] of texts)
      if (t.left < box.left - 1 || t.right > box.right + 1 || t.top < box.top - 1 || t.bottom > box.bottom + 1)
        found.push(`"${text}" is outside of its plot`);
    for (let i = 0; i < texts.length; i++)
      for (let j = 0; j < i; j++) {
        const a = texts[i][1], b = texts[j][1];
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5)
          found.push(`"${texts[i][0]}" and "${texts[j][0]}" are on top of each other`);
      }
    const label = svg.getAttribute('aria-labelledby') || '';
    for (const id of label.split(' '))
      if (!document.getElementById(id)) found.push(`a plot has no ${id}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size != ids.length) found.push('an id stands twice');
  if (document.querySelector('script')) found.push('there is a script');
  return JSON.stringify({found, height: page.scrollHeight, title: document.title,
                         text: document.body.innerText});
})()"""


def installed():
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="rollout-browser-")
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                 "--hide-scrollbars", "--disable-background-networking", "--no-first-run",
                 "--disable-component-update", "--disable-dev-shm-usage",
                 f"--user-data-dir={self.dir}", "about:blank"]
        script = f'exec "$0" "$@" 3<&{to_read} 4>&{back_write}'
        self.process = subprocess.Popen(["sh", "-c", script, installed(), *flags],
                                        pass_fds=(to_read, back_write), start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        self.buffer, self.last, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.ask("Browser.close")
            self.process.wait(timeout=10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.dir, ignore_errors=True)

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            assert select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0], \
                "the browser does not answer"
            part = os.read(self.back, 1 << 20)
            assert part, "the browser has ended"
            self.buffer += part
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def ask(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def show(self, url, width, dark, png):
        """Show a page; what is wrong with it, and its text."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 500)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events = []
        self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + 60
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.receive(deadline))
        seen = json.loads(self.ask("Runtime.evaluate", expression=LOOK)["result"]["value"])
        image = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "scale": 1,
                               "height": min(seen["height"], 12000)})
        with open(png, "wb") as f:
            f.write(base64.b64decode(image["data"]))
        for e in self.events:
            params = e.get("params", {})
            if e.get("method") == "Network.requestWillBeSent":
                asked = params["request"]["url"]
                if asked != url and not asked.startswith("data:"):
                    seen["found"].append(f"the page asks for {asked}")
            if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown",
                                   "Runtime.consoleAPICalled"):
                seen["found"].append(f"the console says {params}")
        return seen
