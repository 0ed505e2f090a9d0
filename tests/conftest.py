"""What holds for all tests: what was left out is said loudly at the end."""

import pytest

NO_BROWSER = "no Chromium starts here"
"""How the reason begins for which browser tests are skipped."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end that browser tests did not run."""
    reasons = [str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", ())]
    for reason in dict.fromkeys(reason for reason in reasons if NO_BROWSER in reason):
        terminalreporter.write_sep("!", f"BROWSER TESTS SKIPPED: {reason}", red=True, bold=True)
