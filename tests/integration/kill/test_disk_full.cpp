// A disk that is full: publishing says so, nothing is lost, and everything goes on by itself when there is room.
#include "integration/kill/live_sender.hpp"
#include "integration/kill/watched_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

namespace {

constexpr std::size_t publishes_max = 100'000;  // what fits into the small disk is far less

// A small file system of its own for this process, at `folder`. False: this machine does not let us.
bool mount_small_disk(const std::string& folder) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        const auto write_all = [](const char* path, const std::string& text) {
            std::ofstream file(path);
            file << text << std::flush;
            return file.good();
        };
        (void)write_all("/proc/self/setgroups", "deny");
        if (!write_all("/proc/self/uid_map", std::string("0 ").append(std::to_string(user)).append(" 1")) ||
            !write_all("/proc/self/gid_map", std::string("0 ").append(std::to_string(group)).append(" 1"))) {
            return false;
        }
    }
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    // Room for SQLite's log, which takes 16 MB before it is written from its beginning again.
    return mount("fpt_webhooks", folder.c_str(), "tmpfs", 0, "size=32m,mode=700") == 0;
}

// Publishes until the disk refuses. Returns the error.
Error publish_until_refused(LiveSender& sender) {
    for (std::size_t i = 0; i < publishes_max; ++i) {
        const auto result = sender.publish_next();
        if (!result) return result.error();
    }
    FAIL("the disk never was full");
    return Error(Errc::local_failure);
}

}  // namespace

TEST_CASE("disk full: publishing fails clearly, nothing is lost, and all goes on when there is room") {
    const TemporaryFolder folder;
    WatchedDisk disk;
    LiveSender sender(folder.database());
    sender.dispatcher().start().value();
    sender.publish(50);

    for (std::size_t round = 1; round <= 3; ++round) {
        if (round > 1) sender.settle();  // else there are outcomes to be written as well
        disk.set_full(true);
        for (int i = 0; i < 3; ++i) {
            const auto refused = sender.publish_next();
            REQUIRE_FALSE(refused);
            CHECK(refused.error() == Errc::store_failed);
            CHECK(refused.error() == Condition::transient);
        }
        (void)sender.notices().wait_for(Notice::Kind::store_failed, round);
        CHECK(sender.dispatcher().metrics().value().store_failing);
        // Nothing to write is no proof of room.
        CHECK_FALSE(sender.notices().comes(Notice::Kind::store_recovered, round, std::chrono::milliseconds(500)));
        disk.set_full(false);
        sender.publish(50);
        (void)sender.notices().wait_for(Notice::Kind::store_recovered, round);
        CHECK(sender.notices().count(Notice::Kind::store_failed) == round);
    }
    sender.settle();
    sender.check();
}

TEST_CASE("disk full: outcomes that found no room are written when there is some, and nothing is sent twice") {
    const TemporaryFolder folder;
    WatchedDisk disk;
    LiveSender sender(folder.database());
    sender.publish(200);  // more than a lane may have unrecorded
    disk.set_full(true);
    REQUIRE(sender.dispatcher().start().error() == Errc::store_failed);  // an epoch must be written
    disk.set_full(false);
    sender.dispatcher().start().value();
    disk.set_full(true);  // wherever it is now
    if (sender.dispatcher().metrics().value().pending > 0) {
        (void)sender.notices().wait_for(Notice::Kind::store_failed);
        disk.set_full(false);
        (void)sender.notices().wait_for(Notice::Kind::store_recovered);  // with nobody publishing
    }
    disk.set_full(false);
    sender.settle();
    sender.check();
}

TEST_CASE("disk full: a real one, while it delivers") {
    const TemporaryFolder folder;
    if (!mount_small_disk(folder.path.string())) {
        WARN(
            "this machine lets us mount no tmpfs: the test above, whose file system is full by a switch, stands alone");
        return;
    }
    {
        LiveSender sender(folder.database());
        sender.dispatcher().start().value();
        sender.publish(20);
        const std::string ballast = (folder.path / "ballast").string();
        {
            std::ofstream file(ballast, std::ios::binary);
            const std::string block(64 * 1024, 'x');
            while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
            }
        }
        const Error refused = publish_until_refused(sender);
        CHECK(refused == Errc::store_failed);
        CHECK(refused == Condition::transient);
        CHECK(refused.detail().find("full") != std::string::npos);
        (void)sender.notices().wait_for(Notice::Kind::store_failed);
        std::filesystem::remove(ballast);
        REQUIRE(sender.publish_next().value() == AppendVerdict::accepted);
        (void)sender.notices().wait_for(Notice::Kind::store_recovered);
        sender.publish(20);
        sender.settle();
        sender.check();
    }
    CHECK(umount2(folder.path.c_str(), MNT_DETACH) == 0);
}
