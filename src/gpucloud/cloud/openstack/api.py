"""The APIs of a cloud: requests sent with openstacksdk's configuration and keystoneauth's session."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from gpucloud.cloud.openstack.calls import Call, Place
from gpucloud.cloud.openstack.failures import refusal, unreachable
from gpucloud.cloud.openstack.sdk import spare_services
from gpucloud.cloud.openstack.time import CloudTime
from gpucloud.cloud.packages import extra_line
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from keystoneauth1.identity.base import BaseIdentityPlugin
    from keystoneauth1.loading import BaseLoader
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion
    from requests import Response

COMPUTE = "2.61"
"""Flavors are listed with their extra specs, and have a description (2.55): Rocky, nova 18.0.0."""
PLACEMENT = "1.6"
"""Traits: Pike."""
MICROVERSIONS = {"compute": COMPUTE, "placement": PLACEMENT}
_VERSIONS = {"compute": "2", "image": "2", "identity": "3"}
"""Of services whose endpoint may be written without its version."""
_SCOPES = {
    *("project_id", "project_name", "project_domain_id", "project_domain_name"),
    *("domain_id", "domain_name", "trust_id", "system_scope"),
}
_TIMEOUT_S = 60.0
_MOST_BYTES = 64 * 1024 * 1024
"""Of an answer: tens of thousands of flavors."""


class Api:
    """The services of one cloud. Threads may share it.

    Args:
        region: where, and as whom.
        timeout_s: of one request, to the last byte of its answer; None: as clouds.yaml says, or a minute.
    """

    def __init__(self, region: CloudRegion, timeout_s: float | None = None) -> None:
        self.name = str(region.name)
        self.time = CloudTime(time.monotonic)
        """As nova's answers say it, which all that is about guests asks."""
        self._region = region
        self._timeout_s = timeout_s or region.config.get("api_timeout") or _TIMEOUT_S
        self._session: Session = region.get_session()
        self._adapters = {service: self._adapter(service) for service in (*_VERSIONS, "placement")}

    def login(self) -> None:
        """Get a token, once for all threads.

        Raises:
            Failure: the cloud does not answer, or does not take the credentials.
        """
        from keystoneauth1.exceptions import ClientException

        try:
            self._session.get_token()
        except ClientException as error:
            raise unreachable(self.name, "identity", error) from error

    def send(self, call: Call) -> Any:
        """Send a request and read its answer: what JSON it holds, or None.

        Raises:
            Failure: the service is not there, does not answer, refuses, or answers what is no JSON.
        """
        from keystoneauth1.exceptions import ClientException
        from requests import RequestException

        what = f"{call.method} {call.service} {call.path}"
        begun = time.monotonic()
        try:
            with self._ask(call) as response:
                if call.service == "compute":
                    self.time.hear(response.headers.get("Date"))
                body = _read(response, what, begun + self._timeout_s)
                status = response.status_code
        except ClientException as error:
            raise unreachable(self.name, call.service, error) from error
        except RequestException as error:
            said = " ".join(str(error).split())[:200]
            raise Failure(f"{what}: the answer broke off: {said}", "run it again") from error
        if not 200 <= status < 300:
            raise refusal(what, status, body)
        return _parsed(body, what)

    def place(self) -> Place:
        """Where keystone's limits of nova belong to.

        Raises:
            Failure: the catalogue has no compute service.
        """
        from keystoneauth1.exceptions import ClientException

        try:
            access = self._region.get_auth().get_access(self._session)  # type: ignore[union-attr]
        except ClientException as error:
            raise unreachable(self.name, "identity", error) from error
        wanted = self._region.get_region_name("compute")
        for service in access.service_catalog.catalog:
            regions = [each.get("region_id") or each.get("region") for each in service.get("endpoints", ())]
            if service.get("type") == "compute" and (wanted in regions or (wanted is None and regions)):
                return Place(str(service["id"]), wanted or regions[0])
        raise Failure(f"cloud {self.name} has no compute service in its catalogue", "openstack catalog list")

    def project(self) -> str | None:
        """Id of the project that the token is for.

        Raises:
            Failure: there is no token.
        """
        from keystoneauth1.exceptions import ClientException

        try:
            access = self._region.get_auth().get_access(self._session)  # type: ignore[union-attr]
        except ClientException as error:
            raise unreachable(self.name, "identity", error) from error
        return None if access.project_id is None else str(access.project_id)

    def _ask(self, call: Call) -> Response:
        adapter = self._adapters[call.service]
        if call.is_of_system:
            adapter = self._adapter(call.service, _of_system(self._region))
        return adapter.request(
            call.path,
            call.method,
            data=None if call.body is None else json.dumps(call.body),
            headers={"Content-Type": call.content_type, "Accept": "application/json"},
            microversion=call.microversion or MICROVERSIONS.get(call.service),
            raise_exc=False,
            log=False,
            stream=True,
            timeout=self._timeout_s,
        )

    def _adapter(self, service: str, auth: BaseIdentityPlugin | None = None) -> Adapter:
        from keystoneauth1.adapter import Adapter

        version = _VERSIONS.get(service)
        return Adapter(
            self._session,
            auth=auth,
            service_type=service,
            interface=self._region.get_interface(service),
            region_name=self._region.get_region_name(service),
            endpoint_override=self._region.get_endpoint(service),
            min_version=version,
            max_version=None if version is None else f"{version}.latest",
        )


def _of_system(region: CloudRegion) -> BaseIdentityPlugin:
    """The same credentials for the whole system, where clouds.yaml has a project or a domain."""
    from keystoneauth1.loading import get_plugin_loader

    loader: BaseLoader[BaseIdentityPlugin] = get_plugin_loader(region.config["auth_type"])
    known = {option.dest for option in loader.get_options()}
    said = {name: value for name, value in region.config["auth"].items() if name in known - _SCOPES}
    return loader.load_from_options(**said, **dict.fromkeys(known & {"system_scope"}, "all"))


def open_api(cloud: str | None, timeout_s: float | None = None) -> Api:
    """The cloud of that name in clouds.yaml; without a name that of ``OS_CLOUD``, ``OS_*``, or the only one.

    Raises:
        Failure: openstacksdk is not installed, or clouds.yaml has no such cloud or cannot be read.
    """
    spare_services()
    try:
        from openstack.config import OpenStackConfig
        from openstack.exceptions import ConfigException, SDKException
    except ImportError as error:
        raise Failure(f"openstacksdk is not installed here ({error})", extra_line("openstack")) from error
    from keystoneauth1.exceptions import ClientException

    known: list[str] = []
    for name in ("keystoneauth", "openstack"):  # what they would print comes in the failure
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        config = OpenStackConfig(app_name="gpucloud")
        known += sorted(name for name in config.get_cloud_names() if name)
        return Api(config.get_one(cloud=cloud), timeout_s)
    except (ConfigException, SDKException, ClientException) as error:
        said = " ".join(str(error).split())[:300]
        raise Failure(
            f"no cloud to reach: {said} (clouds.yaml has: {', '.join(known) or 'none'})",
            "name one of clouds.yaml with --cloud, or set OS_CLOUD",
            code=Exit.USAGE,
        ) from error


def _read(response: Response, what: str, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Failure(f"{what}: the answer is larger than {_MOST_BYTES} bytes", "look at that service")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: the answer does not come to its end in time", "run it again")
    return bytes(body)


def _parsed(body: bytes, what: str) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Failure(
            f"{what}: the answer is no JSON", "look whether that endpoint is the service's"
        ) from error
