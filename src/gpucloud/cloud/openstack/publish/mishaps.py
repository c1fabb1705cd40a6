"""What a failure of one difference leaves behind, and what helps."""

from __future__ import annotations

from shlex import join, quote
from typing import Any

from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.publish import answers
from gpucloud.cloud.openstack.publish import change as do
from gpucloud.cloud.openstack.publish.change import Chain
from gpucloud.cloud.openstack.publish.offer import DESCRIPTION, MARK, Flavor
from gpucloud.cloud.openstack.publish.show import say_change
from gpucloud.model.failure import Failure

_CONFLICT = 409


def is_bound(chain: Chain, number: int) -> bool:
    """That change follows the one before even after Ctrl-C.

    Else the cloud would lack a flavor whose id and hand-made additions nobody else knows, or would have an
    aggregate without our mark.
    """
    if number == 0:
        return False
    return _is_made_anew(chain) or isinstance(chain.changes[number - 1], do.CreateAggregate)


def _is_made_anew(chain: Chain) -> bool:
    return isinstance(chain.changes[0], do.DeleteFlavor)


def with_help(chain: Chain, number: int, failure: Failure) -> Failure:
    """The failure of that change, with what it means where that is more than the call says."""
    match chain.changes[number]:
        case do.CreateFlavor(flavor=flavor, id=str(key)):
            what = f"{failure.what}; flavor {chain.name} with the id {key} is deleted and not made again"
            return Failure(what, f"make it: {_create(chain.name, key, flavor)}, and run it again")
        case do.SetExtraSpecs() | do.Grant() if _is_made_anew(chain):
            rest = "; ".join(say_change(chain, change) for change in chain.changes[number:])
            return Failure(f"{failure.what}; what it had and lacks now: {rest}", "set it again by hand")
        case do.SetMetadata() if isinstance(chain.changes[0], do.CreateAggregate):
            mark = f"openstack aggregate set --property {MARK}=yes {quote(chain.name)}"
            what = f"{failure.what}; aggregate {chain.name} is made and has no mark"
            return Failure(what, f"mark it: {mark}, and run it again")
        case do.SetLimit(id=None) if isinstance(failure, Refusal) and failure.status == _CONFLICT:
            return Failure(
                f"{failure.what}; there is such a limit, and this keystone hides other projects' limits from "
                "this token",
                "have a role on the system: openstack role add --system all --user USER admin",
            )
    return failure


def must_be_kept(change: do.SetQuota, answer: Any) -> None:
    """Nova answers with what it keeps: it takes quotas and forgets them where keystone has the limits.

    Raises:
        Failure: it keeps something else than was sent.
    """
    kept = answers.amounts(next(iter(answer.values()), None) if isinstance(answer, dict) else None)
    for name, value in change.values.items():
        if kept.get(name) != value:
            raise Failure(
                f"nova was told {name}={value} and keeps {name}={kept.get(name, 'unsaid')}: this nova keeps "
                "limits in keystone",
                "write unified: true under publish: quotas",
            )


def _create(name: str, key: str, flavor: Flavor) -> str:
    sizes = {"--id": key, "--vcpus": flavor.vcpus, "--ram": flavor.ram_mib, "--disk": flavor.disk_gib}
    words = ["openstack", "--os-compute-api-version", "2.55", "flavor", "create"]
    words += [str(word) for pair in sizes.items() for word in pair]
    words += [*([] if flavor.is_public else ["--private"]), "--description", DESCRIPTION, name]
    return join(words)
