"""Stops single threads of a process (ids as arguments) until standard input ends; the others go on. Linux, same user or root."""
import ctypes, os, sys

ATTACH, DETACH, ALL = 16, 17, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
stopped = []
for thread in map(int, sys.argv[1:]):
    if libc.ptrace(ATTACH, thread, None, None) != 0:
        print("refused:", os.strerror(ctypes.get_errno()), flush=True)
        break
    os.waitpid(thread, ALL)
    stopped.append(thread)
else:
    print("stopped", flush=True)
    sys.stdin.read()
for thread in stopped:
    libc.ptrace(DETACH, thread, None, None)
