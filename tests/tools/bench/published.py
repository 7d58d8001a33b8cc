"""Owns the reporters that npm publishes for other services: which, how they are installed, and how they are pointed at loopback."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
# Exact versions, and no lock file: one would name an address.
PACKAGES = {"@datadog/datadog-ci": "5.25.0", "@sentry/cli": "3.8.0"}
DATADOG, SENTRY = PACKAGES


def install(folder: Path) -> str:
    """Install what is not there yet. Gives why it could not be, or nothing."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "node and npm are not on PATH"
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    flags = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            [npm, "install", *flags, *wanted], cwd=folder, capture_output=True, text=True, check=False, timeout=180
        )
    except subprocess.TimeoutExpired:
        return "npm did not end within 180 s"
    if done.returncode:
        return "npm could not install " + " and ".join(wanted)
    stamp.write_text("\n".join(wanted))
    return ""


def program(folder: Path, name: str) -> str:
    """Return the path of a package's program."""
    return str(folder / "node_modules" / ".bin" / {DATADOG: "datadog-ci", SENTRY: "sentry-cli"}[name])


def datadog(folder: Path, port: int, ca: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command and the variables with which datadog-ci registers a deployment here."""
    command = [program(folder, DATADOG), "dora", "deployment", "--service", "payments-service", "--env", "production"]
    command += ["--started-at", "1741089500", "--finished-at", "1741089600"]
    command += ["--git-repository-url", "https://github.com/acme/shop"]
    command += ["--git-commit-sha", "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"]
    return command, {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "DD_API_KEY": "sandbox-token",
        "DD_SITE": f"localhost:{port}",
        "DD_CI_BYPASS_SITE_VALIDATION": "1",
        "NODE_OPTIONS": f"--require {HERE / 'to_loopback.cjs'}",
        "NODE_EXTRA_CA_CERTS": str(ca),
    }


def sentry(folder: Path, port: int, ca: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command and the variables with which sentry-cli registers a deploy here. `ca` replaces the public CAs."""
    command = [program(folder, SENTRY), "deploys", "new", "--org", "acme", "--project", "shop"]
    command += ["--release", "312c5c6455a5802d9eff8e65fbc68a516dd3a76d", "--env", "production"]
    return command, {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "SENTRY_URL": f"https://localhost:{port}",
        "SENTRY_AUTH_TOKEN": "sandbox-token",
        "SENTRY_DISABLE_UPDATE_CHECK": "1",
        "SSL_CERT_FILE": str(ca),
    }
