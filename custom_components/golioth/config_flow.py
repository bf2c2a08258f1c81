"""Config flow of the Golioth integration."""

from collections.abc import Mapping
import logging
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_API_KEY
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .client import (
    DEFAULT_API_URL,
    Credential,
    Endpoint,
    GoliothAddressError,
    GoliothAuthenticationError,
    GoliothClient,
    GoliothError,
    GoliothInsecureAddressError,
    GoliothNotFoundError,
    GoliothResponseError,
    HttpWire,
    Project,
    find_api_url,
    find_credential,
    find_project_id,
    is_console_address,
    log_unexpected,
    parse_api_url,
)
from .const import CONF_API_URL, CONF_PROJECT_ID, DOMAIN, SECTION_ADVANCED
from .coordinator import GoliothConfigEntry
from .limits import (
    MAX_ADDRESS_LENGTH,
    MAX_CREDENTIAL_LENGTH,
    MAX_ITEMS,
    MAX_NAME_LENGTH,
)
from .options import (
    CONF_EXCLUDE_MODULES,
    CONF_INCLUDE_MODULES,
    OPTIONS_SCHEMA,
    clean_names,
)

_LOGGER = logging.getLogger(__name__)

API_KEY_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

API_URL_SELECTOR: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))

# In characters.
_MAX_LENGTHS: Final = {
    CONF_PROJECT_ID: MAX_NAME_LENGTH,
    CONF_API_KEY: MAX_CREDENTIAL_LENGTH,
    CONF_API_URL: MAX_ADDRESS_LENGTH,
}

REAUTH_SCHEMA: Final = vol.Schema({vol.Required(CONF_API_KEY): API_KEY_SELECTOR})

# The key in use is never shown: an empty field keeps it.
RECONFIGURE_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(CONF_API_KEY): API_KEY_SELECTOR,
        vol.Required(CONF_API_URL): API_URL_SELECTOR,
    }
)


def _user_schema(*, collapsed: bool) -> vol.Schema:
    """Return the form of a new project.

    Args:
        collapsed: Whether the advanced section is; an error in it should be visible.
    """
    return vol.Schema(
        {
            vol.Required(CONF_PROJECT_ID): TextSelector(),
            vol.Required(CONF_API_KEY): API_KEY_SELECTOR,
            vol.Required(SECTION_ADVANCED): section(
                vol.Schema(
                    {
                        vol.Required(
                            CONF_API_URL, default=DEFAULT_API_URL
                        ): API_URL_SELECTOR
                    }
                ),
                {"collapsed": collapsed},
            ),
        }
    )


class GoliothConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up a Golioth project."""

    # Of an entry. A minor version only adds data that earlier ones can do without; a
    # major one changes data.
    VERSION = 1
    MINOR_VERSION = 1

    _client: GoliothClient | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(
        config_entry: GoliothConfigEntry,
    ) -> GoliothOptionsFlow:
        """Return the flow of a project's options."""
        return GoliothOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the project and its key, and check both."""
        errors: dict[str, str] = {}
        if user_input is not None:
            project_id = find_project_id(user_input[CONF_PROJECT_ID])
            if project_id is None:
                errors[CONF_PROJECT_ID] = "no_project_id"
            else:
                if len(project_id) <= MAX_NAME_LENGTH:
                    # A form that was left open elsewhere must not block this one.
                    await self.async_set_unique_id(project_id, raise_on_progress=False)
                    self._abort_if_unique_id_configured()
                data = {
                    CONF_PROJECT_ID: project_id,
                    CONF_API_KEY: find_credential(user_input[CONF_API_KEY]),
                    CONF_API_URL: find_api_url(
                        user_input[SECTION_ADVANCED][CONF_API_URL]
                    ),
                }
                project, errors = await self._async_check(data)
                if project is not None:
                    data[CONF_API_URL] = str(parse_api_url(data[CONF_API_URL]))
                    return self.async_create_entry(title=project.name, data=data)
            if CONF_API_URL in errors:
                errors = {SECTION_ADVANCED: errors[CONF_API_URL]}
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                _user_schema(collapsed=SECTION_ADVANCED not in errors), user_input
            ),
            errors=errors,
            description_placeholders={"console_url": "https://console.golioth.io"},
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Start re-authentication."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new key, and check it with Golioth."""
        errors: dict[str, str] = {}
        entry = self._get_reauth_entry()
        if user_input is not None:
            data_updates = {CONF_API_KEY: find_credential(user_input[CONF_API_KEY])}
            project, errors = await self._async_check({**entry.data, **data_updates})
            if project is not None:
                return self.async_update_reload_and_abort(
                    entry, data_updates=data_updates
                )
            errors = _blame_key(errors)
            if CONF_API_URL in errors:
                errors = {"base": errors[CONF_API_URL]}
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(REAUTH_SCHEMA, user_input),
            errors=errors,
            description_placeholders={"project": entry.title},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for another key or address, and check them."""
        errors: dict[str, str] = {}
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            data_updates = {CONF_API_URL: find_api_url(user_input[CONF_API_URL])}
            if api_key := find_credential(user_input.get(CONF_API_KEY, "")):
                data_updates[CONF_API_KEY] = api_key
            project, errors = await self._async_check({**entry.data, **data_updates})
            if project is not None:
                data_updates[CONF_API_URL] = str(
                    parse_api_url(data_updates[CONF_API_URL])
                )
                return self.async_update_reload_and_abort(
                    entry, data_updates=data_updates
                )
            errors = _blame_key(errors)
        return self.async_show_form(
            step_id="reconfigure",
            # Show what was typed in, the key included: an empty field would keep the
            # old one, unnoticed.
            data_schema=self.add_suggested_values_to_schema(
                RECONFIGURE_SCHEMA,
                user_input or {CONF_API_URL: entry.data[CONF_API_URL]},
            ),
            errors=errors,
            description_placeholders={"project": entry.title},
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Close the client when the flow ends.

        The form was closed, or its project was removed.
        """
        if self._client is not None:
            self._client.close()

    async def _async_check(
        self, data: Mapping[str, Any]
    ) -> tuple[Project | None, dict[str, str]]:
        """Return the project, or the error of a field."""
        for key, length in _MAX_LENGTHS.items():
            if len(data[key]) > length:
                return None, {key: "too_long"}
        credential = Credential(data[CONF_API_KEY])
        if not credential.is_usable:
            return None, {CONF_API_KEY: "invalid_auth"}
        if is_console_address(data[CONF_API_URL]):
            return None, {CONF_API_URL: "console_address"}
        try:
            endpoint = Endpoint(data[CONF_API_URL], data[CONF_PROJECT_ID], credential)
        except GoliothInsecureAddressError:
            return None, {CONF_API_URL: "insecure_address"}
        except GoliothAddressError:
            return None, {CONF_API_URL: "invalid_address"}
        self.async_remove()
        self._client = GoliothClient(
            HttpWire(async_get_clientsession(self.hass)), endpoint
        )
        rest = self._client.rest
        try:
            try:
                project = await rest.project()
            except GoliothAuthenticationError:
                # Golioth refuses a good key as well where the project is another one:
                # only the list of projects shows which.
                await rest.projects()
                return None, {CONF_PROJECT_ID: "project_not_found"}
        except GoliothAuthenticationError:
            return None, {CONF_API_KEY: "invalid_auth"}
        except GoliothNotFoundError:
            return None, {CONF_PROJECT_ID: "project_not_found"}
        except GoliothResponseError:
            return None, {CONF_API_URL: "not_golioth"}
        except GoliothError:
            return None, {CONF_API_URL: "cannot_connect"}
        except Exception as err:  # noqa: BLE001
            log_unexpected(_LOGGER, "Unexpected exception", err)
            return None, {"base": "unknown"}
        if project.id != data[CONF_PROJECT_ID]:
            return None, {CONF_PROJECT_ID: "project_not_found"}
        return project, {}


class GoliothOptionsFlow(OptionsFlowWithReload):
    """Change which logs of a project are received, and how."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        errors: dict[str, str] = {}
        if user_input is not None:
            for key in (CONF_INCLUDE_MODULES, CONF_EXCLUDE_MODULES):
                user_input[key] = names = clean_names(user_input[key])
                if len(names) > MAX_ITEMS:
                    errors[key] = "too_many_modules"
                elif any(len(name) > MAX_NAME_LENGTH for name in names):
                    errors[key] = "module_too_long"
            if not errors:
                return self.async_create_entry(
                    data={**self.config_entry.options, **user_input}
                )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, user_input or self.config_entry.options
            ),
            errors=errors,
            description_placeholders={
                "max_modules": str(MAX_ITEMS),
                "max_length": str(MAX_NAME_LENGTH),
            },
        )


def _blame_key(errors: dict[str, str]) -> dict[str, str]:
    """Move an error of the project ID to the key.

    The form has no field for the project ID.
    """
    return {CONF_API_KEY: "wrong_project"} if CONF_PROJECT_ID in errors else errors
