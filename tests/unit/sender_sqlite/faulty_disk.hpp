// SQLite's file system with faults on demand: what a full or failing disk does, at every single operation.
#pragma once

// While one lives, it is the default file system of SQLite in this process; files opened through it must be closed
// before it ends.
class FaultyDisk {
  public:
    enum class Operation { write, sync, read, truncate };

    FaultyDisk();
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;
    ~FaultyDisk();

    // From the operation of this kind after `skip` more on, each ends with this SQLite code, until heal().
    void fail(Operation operation, int code, long skip = 0);
    void heal();

    // Has an operation failed since fail()?
    [[nodiscard]] bool has_failed() const;
};
