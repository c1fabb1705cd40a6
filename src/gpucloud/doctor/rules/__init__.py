"""Rules by subject: each looks at a Case and gives findings of one cause, or says what it could not see.

A rule states how the world works (kernel, firmware, QEMU, libvirt, nova, driver); the source is cited
in the cause it names. To add one: write it in the file of its subject and list it in ``catalogue``; where
its facts come from a message, add the message to ``evidence.phrases``, and evidence with a near miss to
``tests/doctor/synthetic``.
"""
