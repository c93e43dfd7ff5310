#include "integration/kill/watched_disk.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace fpt_webhooks::test {
namespace {

enum class Kind { database, log, other };

// One file, however many connections have it open.
struct Survivor {
    std::mutex mutex;
    std::string path;  // of the copy that survives
    int descriptor = -1;
    bool newborn = false;  // created since the folder was last synced
    std::vector<std::pair<sqlite3_int64, int>> unsynced;
    std::uint32_t luck = 1;
};

struct Disk {
    WatchedDiskOptions options;
    sqlite3_vfs* real = nullptr;
    sqlite3_vfs vfs = {};
    std::atomic<bool> full = false;
    std::atomic<std::size_t> refused = 0;
    std::mutex mutex;
    std::map<std::string, std::unique_ptr<Survivor>> survivors;

    void pass(Step step) const {
        if (options.steps != nullptr) options.steps->pass(step);
    }
    Survivor* survivor_of(const char* name) {
        if (options.survivors.empty() || name == nullptr) return nullptr;
        const std::lock_guard lock(mutex);
        auto& survivor = survivors[name];
        if (!survivor) {
            survivor = std::make_unique<Survivor>();
            survivor->path =
                (std::filesystem::path(options.survivors) / std::filesystem::path(name).filename()).string();
        }
        return survivor.get();
    }
};

std::unique_ptr<Disk> disk;

// The real file lies behind this one in the memory that SQLite gives.
struct File {
    sqlite3_file base;
    Kind kind;
    Survivor* survivor;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return file_of(file).real(); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *real(file)->pMethods; }

void require(bool good) {
    if (!good) std::abort();  // the test's own files: nothing to report to
}

void keep(Survivor& survivor, const void* bytes, std::size_t size, sqlite3_int64 at) {
    require(pwrite(survivor.descriptor, bytes, size, at) == static_cast<ssize_t>(size));
}

void open_survivor(Survivor& survivor) {
    if (survivor.descriptor >= 0) return;
    survivor.descriptor = open(survivor.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    require(survivor.descriptor >= 0);
}

int write_file(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    File& file = file_of(f);
    if (disk->full && file.kind != Kind::other) {
        ++disk->refused;
        return SQLITE_FULL;
    }
    if (file.kind == Kind::log) {
        disk->pass(Step::before_log_write);
        sqlite3_int64 length = 0;
        if (at == 0 && methods(f).xFileSize(real(f), &length) == SQLITE_OK && length > 0) {
            disk->pass(Step::before_log_restart);
        }
    } else if (file.kind == Kind::database) {
        disk->pass(Step::before_database_write);
    }
    int code = SQLITE_OK;
    if (Survivor* const survivor = file.survivor) {
        const std::lock_guard lock(survivor->mutex);
        code = methods(f).xWrite(real(f), from, size, at);
        survivor->unsynced.emplace_back(at, size);
        survivor->luck = survivor->luck * 1'664'525 + 1'013'904'223;
        const auto chance = survivor->luck >> 29;  // of eight: one arrives, one arrives torn
        if (disk->options.some_unsynced_survives && !survivor->newborn && chance < 2) {
            open_survivor(*survivor);
            const auto arrives = static_cast<std::size_t>(size);
            keep(*survivor, from, chance == 0 ? arrives : arrives / 2, at);
        }
    } else {
        code = methods(f).xWrite(real(f), from, size, at);
    }
    if (file.kind == Kind::log) disk->pass(Step::after_log_write);
    if (file.kind == Kind::database) disk->pass(Step::after_database_write);
    return code;
}

// What was written so far is now on the disk.
int sync_survivor(sqlite3_file* f, Survivor& survivor) {
    const std::lock_guard lock(survivor.mutex);
    open_survivor(survivor);
    // SQLite syncs the folder with the first sync of a log that it has made.
    if (std::exchange(survivor.newborn, false)) require(ftruncate(survivor.descriptor, 0) == 0);
    sqlite3_int64 length = 0;
    int code = methods(f).xFileSize(real(f), &length);
    std::vector<char> bytes;
    for (const auto& [at, size] : survivor.unsynced) {
        if (at >= length || code != SQLITE_OK) continue;
        bytes.resize(static_cast<std::size_t>(std::min<sqlite3_int64>(size, length - at)));
        code = methods(f).xRead(real(f), bytes.data(), static_cast<int>(bytes.size()), at);
        keep(survivor, bytes.data(), bytes.size(), at);
    }
    survivor.unsynced.clear();
    require(ftruncate(survivor.descriptor, length) == 0);
    return code;
}

int sync_file(sqlite3_file* f, int flags) {
    File& file = file_of(f);
    if (file.kind == Kind::log) disk->pass(Step::before_log_sync);
    if (file.kind == Kind::database) disk->pass(Step::before_database_sync);
    // Where the survivors are kept, they stand for the disk, and waiting for the real one would only take time.
    const int code = file.survivor != nullptr ? sync_survivor(f, *file.survivor) : methods(f).xSync(real(f), flags);
    if (file.kind == Kind::log) disk->pass(Step::after_log_sync);
    if (file.kind == Kind::database) disk->pass(Step::after_database_sync);
    return code;
}

const sqlite3_io_methods watched_methods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return methods(f).xClose(real(f)); },
    .xRead = [](sqlite3_file* f, void* to, int size,
                sqlite3_int64 at) { return methods(f).xRead(real(f), to, size, at); },
    .xWrite = write_file,
    .xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return methods(f).xTruncate(real(f), size); },
    .xSync = sync_file,
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

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    File& file = file_of(f);
    f->pMethods = nullptr;
    file.kind = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? Kind::database
                : (flags & SQLITE_OPEN_WAL) != 0   ? Kind::log
                                                   : Kind::other;
    const bool lasts = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    file.survivor = lasts ? disk->survivor_of(name) : nullptr;
    const bool is_new = file.survivor != nullptr && access(name, F_OK) != 0;
    const int code = disk->real->xOpen(disk->real, name, file.real(), flags, out_flags);
    if (file.real()->pMethods == nullptr) return code;
    f->pMethods = &watched_methods;
    if (is_new) {
        const std::lock_guard lock(file.survivor->mutex);
        file.survivor->newborn = true;
        file.survivor->unsynced.clear();
    }
    return code;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_folder) {
    const bool is_log = std::string_view(name).ends_with("-wal");
    if (is_log) disk->pass(Step::before_log_removal);
    const int code = disk->real->xDelete(disk->real, name, sync_folder);
    if (sync_folder != 0) {  // else the survivor stays until the folder is synced for another reason
        if (Survivor* const survivor = disk->survivor_of(name)) {
            const std::lock_guard lock(survivor->mutex);
            if (survivor->descriptor >= 0) close(std::exchange(survivor->descriptor, -1));
            unlink(survivor->path.c_str());
        }
    }
    if (is_log) disk->pass(Step::after_log_removal);
    return code;
}

}  // namespace

WatchedDisk::WatchedDisk(WatchedDiskOptions options) {
    disk = std::make_unique<Disk>();
    disk->options = std::move(options);
    disk->real = sqlite3_vfs_find(nullptr);
    disk->vfs = *disk->real;
    disk->vfs.zName = "fpt_webhooks_watched";
    disk->vfs.szOsFile = disk->real->szOsFile + static_cast<int>(sizeof(File));
    disk->vfs.xOpen = open_file;
    disk->vfs.xDelete = delete_file;
    // Its other functions get this copy of the real one, with the real one's data.
    require(sqlite3_vfs_register(&disk->vfs, 1) == SQLITE_OK);
}

WatchedDisk::~WatchedDisk() {
    sqlite3_vfs_unregister(&disk->vfs);
    sqlite3_vfs_register(disk->real, 1);
    for (const auto& [name, survivor] : disk->survivors) {
        if (survivor->descriptor >= 0) close(survivor->descriptor);
    }
    disk.reset();
}

void WatchedDisk::set_full(bool full) { disk->full = full; }
std::size_t WatchedDisk::refused() const { return disk->refused; }

}  // namespace fpt_webhooks::test
