"""What a shell of the tests runs in place of `syncd`: has a fork server start it, and ends as it ends.

It imports little, because each command of a page waits for it. Arguments: the descriptor of the fork server's requests,
then those of syncd.
"""

import json
import os
import socket
import sys


def main(requests: int, arguments: list[str]) -> int:
    """Run `syncd ARGUMENTS` with this process's environment, folder and standard streams; returns its exit code."""
    ends, report = os.pipe()
    folder = os.getcwd()  # noqa: PTH109  pathlib takes long to import
    job = {"module": "syncd", "arguments": arguments, "environ": dict(os.environ), "cwd": folder}
    with socket.socket(fileno=requests) as control:
        socket.send_fds(control, [json.dumps(job).encode()], [0, 1, 2, report])
    os.close(report)
    with os.fdopen(ends) as told:
        _, code = map(int, told)  # the process id, and the exit code or minus the signal
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
