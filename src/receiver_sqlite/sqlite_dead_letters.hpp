// What SqliteDeadLetters and the dead letters of an inbox have inside.
#pragma once

#include <fpt_webhooks/receiver_sqlite/sqlite_dead_letters.hpp>

#include "receiver_sqlite/receiver_file.hpp"

namespace fpt_webhooks::inline v0_1 {

class SqliteDeadLetters::Impl {
  public:
    Impl(std::shared_ptr<detail::ReceiverFile> shared_file, std::size_t most)
        : file(std::move(shared_file)), letters_max(most) {}

    [[nodiscard]] bool forked() const noexcept { return file->forked(); }

    const std::shared_ptr<detail::ReceiverFile> file;
    const std::size_t letters_max;
};

}  // namespace fpt_webhooks::inline v0_1
