"""Checks Temporal's Web UI as an operator does: headless Chromium, the page's text, pictures for the docs.

    python tools/web_ui.py [--dir FOLDER] [--pump PUMP] [--out docs]

Protects: what is checked and pictured is what the page shows after its own requests have ended, not what an API says it
would show; and the browser calls nobody but the stack.
"""

import argparse
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
BROWSER_READS, BROWSER_WRITES = 3, 4
"""File descriptors that Chromium speaks its DevTools protocol on: JSON messages, each ended by a zero byte."""
ABOVE_BOTH = 10
ANSWER_S = 30.0
QUIT_S = 5.0
WIDTH_PX, HEIGHT_PX = 1440, 900

PUMPS_QUERY = '`WorkflowType`="HeatPumpWorkflow"'
PUMP_COLUMNS = ("Status", "Workflow ID", "PumpOem", "PumpAuthority", "PumpAlert", "Start")
COLUMNS_KEY = "namespace-workflow-table-columns"
"""Where the Web UI (2.54) keeps an operator's choice of columns in the browser, by namespace."""

SETTLE_S = 0.5
"""A frame of the page grows to its text after it is there."""
# The Web UI renders Markdown in frames of its own.
DETAILS_TEXT = "document.getElementById('user-metadata-current-details')?.contentDocument?.body?.innerText"
VISIBLE_TEXT = """
[document, ...[...document.querySelectorAll("iframe")].map(frame => frame.contentDocument)]
  .map(one => one?.body?.innerText ?? "").join("\\n")
"""


class BrowserError(Exception):
    """No browser, or one that does not answer; a sentence that names the way out."""


def find_browser() -> str:
    """The browser's program. Raises BrowserError where there is none."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise BrowserError(
        "no Chromium was found: install it (Debian: apt-get install chromium, macOS: brew install --cask chromium) "
        "or put a program named chromium or google-chrome on the PATH"
    )


class Browser:
    """One headless Chromium with one page and a fresh profile; a context manager, for one thread at a time."""

    def __init__(self, program: str | None = None) -> None:
        self._program = program or find_browser()
        self._stack = contextlib.ExitStack()
        self._pid = 0
        self._inbox = b""
        self._asked = 0
        self._session: str | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        profile = self._stack.enter_context(
            # Chromium's own helpers may still write into it while they end.
            tempfile.TemporaryDirectory(prefix="heatsteer-browser-", ignore_cleanup_errors=True)
        )
        theirs_in, self._to = self._pipe()
        self._from, theirs_out = self._pipe()
        argv = [self._program, *FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH_PX},{HEIGHT_PX}"]
        if os.geteuid() == 0:
            argv.append("--no-sandbox")  # the sandbox refuses to run as root
        self._pid = os.posix_spawn(
            self._program,
            [*argv, "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, theirs_in, BROWSER_READS),
                (os.POSIX_SPAWN_DUP2, theirs_out, BROWSER_WRITES),
            ],
            setpgroup=0,
        )
        self._stack.callback(self._end)
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        size = {"width": WIDTH_PX, "height": HEIGHT_PX, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def _pipe(self) -> tuple[int, int]:
        """A pipe whose ends lie above the two numbers that the child expects, so that neither is overwritten."""
        ends = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, ABOVE_BOTH) for end in ends]
        for end in ends:
            os.close(end)
        return high[0], high[1]

    def _end(self) -> None:
        """End it with all its children: it quits when its pipe closes; what does not is killed."""
        os.close(self._to)
        os.close(self._from)
        deadline = time.monotonic() + QUIT_S
        while time.monotonic() < deadline:
            if os.waitpid(self._pid, os.WNOHANG)[0]:
                break
            time.sleep(0.02)
        else:
            os.killpg(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # its own children, should any be left
            os.killpg(self._pid, signal.SIGKILL)

    def ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        """One call of the DevTools protocol; raises BrowserError when it is refused or not answered."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserError(f"{self._program} has ended: run it yourself with --headless") from error
        for answer in self._messages(time.monotonic() + ANSWER_S):
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise BrowserError(f"{self._program} refused {method}: {answer['error'].get('message')}")
                return dict(answer.get("result", {}))
        raise BrowserError(f"{self._program} did not answer {method} within {ANSWER_S:.0f} s: is the machine loaded?")

    def _messages(self, deadline: float) -> Iterator[Mapping[str, Any]]:
        while (left_s := deadline - time.monotonic()) > 0:
            message, ended, rest = self._inbox.partition(b"\0")
            if ended:
                self._inbox = rest
                yield json.loads(message)
            elif select.select([self._from], [], [], left_s)[0]:
                piece = os.read(self._from, 1 << 16)
                if not piece:
                    raise BrowserError(f"{self._program} has ended: run it yourself with --headless")
                self._inbox += piece

    def open(self, url: str) -> None:
        """Go to a page; does not wait for what it fetches."""
        failed = self.ask("Page.navigate", url=url).get("errorText")
        if failed:
            raise BrowserError(f"{url} cannot be opened ({failed}): does the stack run?")

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def text_with(self, *words: str, of: str = VISIBLE_TEXT, within_s: float = 30.0) -> str:
        """The page's text, or that of a part, once there is any and it holds all the words, across line breaks.

        Raises BrowserError that names what is missing, with the end of what the page says.
        """
        deadline = time.monotonic() + within_s
        while True:
            text = " ".join(str(self.evaluate(of) or "").split())
            missing = [word for word in words if word not in text]
            if text and not missing:
                return text
            if time.monotonic() > deadline:
                wanted = ", ".join(map(repr, missing)) or "anything"
                raise BrowserError(f"the page never showed {wanted}; it says: {text[-800:]}")
            time.sleep(0.1)

    def picture(self, path: Path, height_px: int = HEIGHT_PX) -> None:
        """Write what is seen from the page's top as PNG."""
        clip = {"x": 0, "y": 0, "width": WIDTH_PX, "height": height_px, "scale": 1}
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png", clip=clip)["data"]))


@dataclass(frozen=True)
class WebUi:
    """Temporal's Web UI at an address, seen through a browser."""

    browser: Browser
    url: str
    namespace: str = "default"

    def choose_columns(self, columns: Sequence[str] = PUMP_COLUMNS) -> None:
        """Show these columns in lists, as an operator chooses them once in "Configure columns"."""
        chosen = json.dumps(json.dumps({self.namespace: [{"label": label} for label in columns]}))
        script = f"try {{ localStorage.setItem({COLUMNS_KEY!r}, {chosen}) }} catch {{}}"
        self.browser.ask("Page.addScriptToEvaluateOnNewDocument", source=script)

    def open_list(self, query: str = PUMPS_QUERY) -> None:
        """The list of workflows under a List Filter."""
        self.browser.open(f"{self._namespace_url()}/workflows?{urlencode({'query': query}, quote_via=quote)}")

    def open_pump(self, workflow_id: str, tab: str = "user-metadata") -> None:
        """One pump's newest run; `user-metadata` is the tab with summary and current details."""
        self.browser.open(f"{self._namespace_url()}/workflows/{workflow_id}/{self._newest_run(workflow_id)}/{tab}")

    def current_details(self, *words: str) -> str:
        """The current details on the pump's page that is open, once a worker has answered with these words in them."""
        return self.browser.text_with(*words, of=DETAILS_TEXT)

    def workflow_ids(self, query: str) -> list[str]:
        """Ids of the workflows that a List Filter finds, sorted."""
        return sorted(one["execution"]["workflowId"] for one in self._found(query))

    def _newest_run(self, workflow_id: str) -> str:
        found = self._found(f'`WorkflowId`="{workflow_id}"')
        if not found:
            raise BrowserError(f"no workflow {workflow_id} is known at {self.url}: is the pump enrolled?")
        return str(max(found, key=lambda one: one["startTime"])["execution"]["runId"])

    def _found(self, query: str) -> list[dict[str, Any]]:
        where = f"{self.url}/api/v1/namespaces/{self.namespace}/workflows"
        answer = httpx.get(where, params={"query": query}, timeout=20, trust_env=False)
        answer.raise_for_status()
        return list(answer.json().get("executions", []))

    def _namespace_url(self) -> str:
        return f"{self.url}/namespaces/{self.namespace}"


def telling_pump(web: WebUi) -> str:
    """The workflow id of a pump worth a picture: under override first, else under a plan, else any."""
    for query in (' AND `PumpAuthority`="override"', ' AND `PumpAuthority`="plan"', ""):
        if ids := web.workflow_ids(f'{PUMPS_QUERY} AND `ExecutionStatus`="Running"{query}'):
            return ids[0]
    raise BrowserError(f"no pump's workflow runs at {web.url}: start a stack with `heatsteer up`")


def take_pictures(web: WebUi, out: Path, workflow_id: str) -> tuple[Path, Path]:
    """Write web-ui-pumps.png and web-ui-pump.png."""
    pumps, pump = out / "web-ui-pumps.png", out / "web-ui-pump.png"
    web.choose_columns()
    web.open_list()
    web.browser.text_with(workflow_id, *PUMP_COLUMNS)
    web.browser.picture(pumps)
    web.open_pump(workflow_id)
    web.current_details()
    time.sleep(SETTLE_S)
    web.browser.picture(pump)
    return pumps, pump


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    # The checkout is installed in the environment this runs in; only the command needs to find a stack.
    from console.access import running_folder
    from embedded.stack_file import find_stack

    parser = argparse.ArgumentParser(description="Takes the docs' pictures of Temporal's Web UI from a running stack.")
    parser.add_argument("--dir", type=Path, help="the stack's folder; default: the one running under ./var")
    parser.add_argument("--pump", help="which pump's page; default: one that is worth it")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    given = parser.parse_args(argv)
    folder = running_folder(given.dir)
    found = find_stack(folder)
    if found is None or not found.running:
        sys.stderr.write(f"web_ui: no stack runs in {folder}: start one with `heatsteer up`, or name it with --dir\n")
        return 1
    try:
        with Browser() as browser:
            web = WebUi(browser, found.file.ui_url, found.file.temporal_namespace)
            taken = take_pictures(web, given.out, f"pump-{given.pump}" if given.pump else telling_pump(web))
    except (BrowserError, httpx.HTTPError, OSError) as error:
        sys.stderr.write(f"web_ui: {error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in taken)
    return 0


if __name__ == "__main__":
    sys.exit(main())
