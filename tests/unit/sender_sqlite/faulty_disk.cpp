#include "unit/sender_sqlite/faulty_disk.hpp"

#include <cstring>
#include <mutex>

#include <sqlite3.h>

#include "support/catch.hpp"

namespace {

struct Fault {
    std::mutex mutex;
    bool armed = false;
    FaultyDisk::Operation operation = FaultyDisk::Operation::write;
    int code = SQLITE_OK;
    long skip = 0;
    bool failed = false;

    int meets(FaultyDisk::Operation now) {
        const std::lock_guard lock(mutex);
        if (!armed || now != operation || skip-- > 0) return SQLITE_OK;
        skip = 0;
        failed = true;
        return code;
    }
};

Fault fault;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs faulty_vfs;

// The real file lies behind this one in the memory that SQLite gives.
struct File {
    sqlite3_file base;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *real(file)->pMethods; }

const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return methods(f).xClose(real(f)); },
    .xRead =
        [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
            const int code = fault.meets(FaultyDisk::Operation::read);
            return code != SQLITE_OK ? code : methods(f).xRead(real(f), to, size, at);
        },
    .xWrite =
        [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
            const int code = fault.meets(FaultyDisk::Operation::write);
            if (code == SQLITE_OK) return methods(f).xWrite(real(f), from, size, at);
            (void)methods(f).xWrite(real(f), from, size / 2, at);  // a part of it arrives
            return code;
        },
    .xTruncate =
        [](sqlite3_file* f, sqlite3_int64 size) {
            const int code = fault.meets(FaultyDisk::Operation::truncate);
            return code != SQLITE_OK ? code : methods(f).xTruncate(real(f), size);
        },
    .xSync =
        [](sqlite3_file* f, int flags) {
            const int code = fault.meets(FaultyDisk::Operation::sync);
            return code != SQLITE_OK ? code : methods(f).xSync(real(f), flags);
        },
    .xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return methods(f).xFileSize(real(f), size); },
    .xLock = [](sqlite3_file* f, int level) { return methods(f).xLock(real(f), level); },
    .xUnlock = [](sqlite3_file* f, int level) { return methods(f).xUnlock(real(f), level); },
    .xCheckReservedLock = [](sqlite3_file* f, int* out) { return methods(f).xCheckReservedLock(real(f), out); },
    .xFileControl = [](sqlite3_file* f, int op, void* arg) { return methods(f).xFileControl(real(f), op, arg); },
    .xSectorSize = [](sqlite3_file* f) { return methods(f).xSectorSize(real(f)); },
    .xDeviceCharacteristics = [](sqlite3_file* f) { return methods(f).xDeviceCharacteristics(real(f)); },
    .xShmMap = [](sqlite3_file* f, int region, int size, int extend,
                  void volatile** out) { return methods(f).xShmMap(real(f), region, size, extend, out); },
    .xShmLock = [](sqlite3_file* f, int offset, int n,
                   int flags) { return methods(f).xShmLock(real(f), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* f) { methods(f).xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return methods(f).xShmUnmap(real(f), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    file->pMethods = nullptr;
    sqlite3_file* const under = reinterpret_cast<File*>(file)->real();
    const int code = real_vfs->xOpen(real_vfs, name, under, flags, out_flags);
    if (under->pMethods != nullptr) file->pMethods = &faulty_methods;
    return code;
}

}  // namespace

FaultyDisk::FaultyDisk() {
    real_vfs = sqlite3_vfs_find(nullptr);
    faulty_vfs = *real_vfs;
    faulty_vfs.zName = "fpt_webhooks_faulty";
    faulty_vfs.szOsFile = real_vfs->szOsFile + static_cast<int>(sizeof(File));
    faulty_vfs.xOpen = open_file;
    // Its other functions get this copy of the real one, with the real one's data.
    REQUIRE(sqlite3_vfs_register(&faulty_vfs, 1) == SQLITE_OK);
}

FaultyDisk::~FaultyDisk() {
    heal();
    sqlite3_vfs_unregister(&faulty_vfs);
    sqlite3_vfs_register(real_vfs, 1);
}

void FaultyDisk::fail(Operation operation, int code, long skip) {
    const std::lock_guard lock(fault.mutex);
    fault.armed = true;
    fault.operation = operation;
    fault.code = code;
    fault.skip = skip;
    fault.failed = false;
}

void FaultyDisk::heal() {
    const std::lock_guard lock(fault.mutex);
    fault.armed = false;
}

bool FaultyDisk::has_failed() const {
    const std::lock_guard lock(fault.mutex);
    return fault.failed;
}
