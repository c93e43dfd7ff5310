#include "sender_sqlite/dispatcher_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fpt_webhooks::inline v0_1::detail {
namespace {

Error failure(const std::string& path, int cause) {
    return {Errc::store_failed, std::string(path).append(": ").append(std::generic_category().message(cause))};
}

}  // namespace

Result<void> DispatcherLock::acquire(const std::string& path) {
    if (is_held()) return Error(Errc::store_busy, "this store runs a dispatcher already");
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) return failure(path, errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        descriptor_ = descriptor;
        return {};
    }
    const int cause = errno;
    ::close(descriptor);
    if (cause != EWOULDBLOCK) return failure(path, cause);
    return Error(Errc::store_busy, std::string(path).append(": another dispatcher runs on this database"));
}

void DispatcherLock::release() noexcept {
    if (is_held()) ::close(descriptor_);
    descriptor_ = -1;
}

}  // namespace fpt_webhooks::inline v0_1::detail
