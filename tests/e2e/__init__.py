"""Tests in Home Assistant's user interface, in a real browser.

The integration runs in Home Assistant, with the simulator behind it. All tests share
the Home Assistant and the browser; each has a service, a project and a page of its own.
`pages/` has the page objects. After a failure, `.e2e/` has the browser's last view and
Home Assistant's log. `scripts/test --e2e -m storm` runs the storm, which needs a
machine of its own.
"""
