#include "receiver_sqlite/sqlite_dead_letters.hpp"

#include <algorithm>
#include <utility>

namespace fpt_webhooks::inline v0_1 {
namespace {

// A page is held in memory, and its reading holds up others.
constexpr std::size_t page_letters_max = 1'000;

}  // namespace

Result<std::shared_ptr<SqliteDeadLetters>> SqliteDeadLetters::open(SqliteDeadLettersOptions options) {
    if (options.letters_max == 0) return Error(Errc::invalid_argument, "letters_max: at least 1 is needed");
    auto file = detail::ReceiverFile::open(options.path, options.busy_timeout);
    if (!file) return file.error();
    return std::make_shared<SqliteDeadLetters>(std::make_unique<Impl>(*std::move(file), options.letters_max));
}

SqliteDeadLetters::SqliteDeadLetters(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SqliteDeadLetters::~SqliteDeadLetters() { detail::let_go(impl_); }

Result<void> SqliteDeadLetters::add(const NewDeadLetter& letter) {
    if (auto valid = detail::check_letter(letter); !valid) return valid;
    return impl_->file->write([&](detail::Tables& tables) { return tables.letters.add(letter, impl_->letters_max); });
}

Result<DeadLetterPage> SqliteDeadLetters::page(std::string_view endpoint, DeadLetterId after, std::size_t max) {
    if (max == 0) return Error(Errc::invalid_argument, "max: at least 1 is needed");
    const std::size_t most = std::min(max, page_letters_max);
    return impl_->file->read([&](detail::Tables& tables) { return tables.letters.page(endpoint, after, most); });
}

Result<void> SqliteDeadLetters::remove(DeadLetterId id) {
    return impl_->file->write([&](detail::Tables& tables) { return tables.letters.remove(id); });
}

}  // namespace fpt_webhooks::inline v0_1
