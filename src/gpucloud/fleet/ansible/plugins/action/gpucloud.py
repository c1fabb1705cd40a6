"""The part of the module that runs on the controller: it reads what lies there, and sends the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

FILES = Path(__file__).resolve().parents[2] / "files"
PLACE = "/usr/local/lib/gpucloud"
"""As the module has it: what is there already is not sent again."""


class ActionModule(ActionBase):
    """Texts of the controller become arguments here, after templates were filled in: they are never one."""

    TRANSFERS_FILES = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Any:
        """Send the program if the host does not have it, and run the module."""
        result = super().run(tmp, task_vars)
        args = {**self._task.args, **self._texts(task_vars or {})}
        try:
            if not args.get("program"):
                args.update(self._sent())
            result.update(
                self._execute_module(
                    module_name="gpucloud.host.gpucloud", module_args=args, task_vars=task_vars
                )
            )
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _texts(self, task_vars: dict[str, Any]) -> dict[str, str]:
        given, host = self._task.args, str(task_vars["inventory_hostname"])
        texts = {"name": given.get("name") or host}
        if given.get("spec"):
            texts["_spec_text"] = self._read(self._find_needle("files", given["spec"]))
        if given.get("plans"):
            path = Path(given["plans"]) / f"{quote(host, safe='')}.json"
            texts["_plan_text"] = self._read(str(path))
        return texts

    def _read(self, path: str) -> str:
        try:
            return Path(self._loader.get_real_file(path)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(f"cannot read {path} on the controller: {error}") from error

    def _sent(self) -> dict[str, str]:
        """Where the program is on the host."""
        key = (FILES / "program.key").read_text(encoding="utf-8").strip()
        if self._remote_file_exists(f"{PLACE}/{key}/serve"):
            return {"_key": key}
        folder = self._make_tmp_path()
        target = self._connection._shell.join_path(folder, "program.tar.gz")
        self._transfer_file(str(FILES / "program.tar.gz"), target)
        self._fixup_perms2((folder, target))
        return {"_key": key, "_archive": target}
