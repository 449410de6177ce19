"""Asks a vulnerability service about every pinned package: ``audit.py PIP-AUDIT SERVICE REQUIREMENTS``.

pip-audit calls a package that its service knows nothing about skipped, finds nothing, and ends well. Here silence is no
all-clear: ends with 0 when every package was asked about and none is known to be vulnerable, with 1 when one is, with 2
when the service could not be asked about all of them.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Findings:
    """What the service said of each package."""

    asked: int
    vulnerable: tuple[str, ...]
    """One line each: package, version, the vulnerability and what mends it."""
    unknown: tuple[str, ...]
    """Why a package was not asked about, one line each."""

    @property
    def code(self) -> int:
        """The exit code."""
        if self.vulnerable:
            return 1
        return 2 if self.unknown or not self.asked else 0

    def lines(self, service: str) -> list[str]:
        """What a person is told."""
        told = [f"vulnerable: {line}" for line in self.vulnerable]
        if self.unknown or not self.asked:
            total = self.asked + len(self.unknown)
            why = self.unknown[0] if self.unknown else "there is none"
            told.append(
                f"could not ask {service} about {len(self.unknown)} of {total} packages, so nothing is known of them; "
                f"the first: {why}. Run this where the service answers, or ask another: AUDIT_SERVICE=osv"
            )
        if self.asked:
            told.append(f"{self.asked} packages asked about, {len(self.vulnerable)} known vulnerabilities")
        return told


def read(report: str) -> Findings:
    """Understand pip-audit's JSON.

    Raises:
        ValueError: when it is none.

    """
    packages = json.loads(report)["dependencies"]
    asked = [package for package in packages if "skip_reason" not in package]
    return Findings(
        asked=len(asked),
        vulnerable=tuple(
            f"{package['name']} {package['version']}: {found['id']}, {mended(found['fix_versions'])}"
            for package in asked
            for found in package["vulns"]
        ),
        unknown=tuple(package["skip_reason"] for package in packages if "skip_reason" in package),
    )


def mended(versions: Sequence[str]) -> str:
    """What to do about a vulnerability."""
    return f"mended in {', '.join(versions)}: run `make lock`" if versions else "no version mends it yet"


def main() -> int:
    """Ask, tell, and return the exit code."""
    program, service, requirements = sys.argv[1:]
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "--desc=off"]
    done = subprocess.run(
        [program, *options, f"--vulnerability-service={service}", f"--requirement={requirements}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        findings = read(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode} and said nothing"])[-1]
        findings = Findings(0, (), (last,))
    print("\n".join(findings.lines(service)), file=sys.stderr)
    return findings.code


if __name__ == "__main__":
    sys.exit(main())
