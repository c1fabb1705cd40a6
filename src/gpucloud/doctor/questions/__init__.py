"""What to ask where evidence shows no cause: commands to run, chosen by what the report speaks about.

* ``command``: a command with what tells that its output is in the evidence already.
* ``commands``: those that are asked for. ``topics``: the table, topic -> commands -> what each decides.
* ``choose``: a diagnosed case into the few questions that decide most. A question names no cause.
"""

from gpucloud.doctor.questions.choose import questions

__all__ = ["questions"]
