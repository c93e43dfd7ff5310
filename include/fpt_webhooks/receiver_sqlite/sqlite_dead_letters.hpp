// A durable DeadLetterStore in an SQLite file, for receivers without an inbox; SqliteInbox has its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <fpt_webhooks/receiver/dead_letter_store.hpp>
#include <fpt_webhooks/receiver_sqlite/export.hpp>

namespace fpt_webhooks::inline v0_1 {

// More than anybody will look at; at 1 MiB each, the longest body by default, 100 GB.
inline constexpr std::size_t dead_letters_max_default = 100'000;

// A page ends after the letter whose body takes it past this, so that large bodies do not fill the memory.
inline constexpr std::size_t dead_letter_page_bytes_max = 16 * 1024 * 1024;

// Error messages are shorter; of a longer detail this many bytes are kept.
inline constexpr std::size_t dead_letter_detail_bytes_max = 4'096;

struct SqliteDeadLettersOptions {
    // As in SqliteDedupeOptions; may be the same file.
    std::string path = {};

    // Letters kept at once; at least 1. Full: store_full.
    std::size_t letters_max = dead_letters_max_default;

    // As in SqliteDedupeOptions.
    std::chrono::milliseconds busy_timeout{5'000};
};

// Numbers are never used twice, also after a letter was removed. Bodies are personal data and are not encrypted; the
// file is readable by its owner alone if this made it.
//
// May be shared between threads and opened by several processes at once. Open it after fork, not before.
// Errors of every function, beside its own: store_busy, store_failed (transient), commit_unknown, store_corrupt,
// forked; invalid_argument for a key outside its limits (dedupe_store.hpp) or an event type over 256 bytes.
class FPT_WEBHOOKS_RECEIVER_SQLITE_EXPORT SqliteDeadLetters final : public DeadLetterStore {
  public:
    // Errors: as SqliteDedupe::open.
    [[nodiscard]] static Result<std::shared_ptr<SqliteDeadLetters>> open(SqliteDeadLettersOptions options);
    ~SqliteDeadLetters() override;

    [[nodiscard]] Result<void> add(const NewDeadLetter& letter) override;
    [[nodiscard]] Result<DeadLetterPage> page(std::string_view endpoint, DeadLetterId after, std::size_t max) override;
    [[nodiscard]] Result<void> remove(DeadLetterId id) override;

    class Impl;
    explicit SqliteDeadLetters(std::unique_ptr<Impl> impl) noexcept;  // only open(), and an inbox, can make an Impl

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace fpt_webhooks::inline v0_1
