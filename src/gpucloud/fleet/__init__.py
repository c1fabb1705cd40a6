"""Many hosts made ready, a few at a time, through Ansible.

Takes an inventory and the `Wish` for a group of its hosts; gives each host's `Result`. Ansible is run as a
program: nothing of it is imported into gpucloud. What travels to a host is gpucloud itself, so that a host
needs no more than python3.

* ``order``: what a host is asked, and what it answers.
* ``entry``: runs on the host: an order is read, done at the host's own desk, and answered.
* ``back``: what stands on a host, shown and taken back.
* ``shipped``, ``program``: the files of gpucloud and of what it needs; those that travel, in one archive.
* ``ansible``: Ansible's side: a module, its action, a callback, playbooks. Files of a collection, not of this
  package: they run in Ansible's own processes.
* ``collection``: that collection with the program in it, in a folder.
* ``run``: ``ansible-playbook``, what it tells, and Ctrl-C.
* ``tally``: what it told into the state of each host.
"""
