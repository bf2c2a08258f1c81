"""Home Assistant's own user interface in a real browser, with the integration and the simulator behind it.

All tests share the Home Assistant and the browser; each has a service, a project and a
page of its own. `pages/` has what a person does on a page. After a failure, `.e2e/` has
what the browser showed, and Home Assistant's log. `scripts/test --e2e -m storm` runs the
storm, which needs a machine of its own.
"""
