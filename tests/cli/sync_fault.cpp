// Preloaded into a program: what it writes gets to no disk, as the system tells it.
#include <cerrno>

extern "C" int fdatasync(int) {
    errno = EIO;
    return -1;
}
extern "C" int fsync(int) { return fdatasync(-1); }
