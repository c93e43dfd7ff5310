#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/core.h>

#include <fpt_webhooks/core/clock.hpp>
#include <fpt_webhooks/core/envelope.hpp>
#include <fpt_webhooks/sender/store.hpp>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/event_lines.hpp"
#include "cli/json.hpp"
#include "cli/line_reader.hpp"
#include "cli/patience.hpp"
#include "cli/progress.hpp"
#include "cli/stop.hpp"
#include "cli/store_access.hpp"
#include "cli/target.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::size_t line_bytes_max = body_bytes_max_default;  // a longer event no receiver of ours takes
// What one transaction publishes: the disk's confirmation is paid once for many, and nobody else waits long.
constexpr std::size_t batch_events_max = 1'000;
constexpr std::size_t batch_bytes_max = std::size_t{8} << 20;

struct Options {
    StoreAccess store = {};
    VendorOption vendor = {};
    LocationId::rep location = 0;
    OrganizationId::rep organization = 0;
    PatienceOption patience = {};
};

// "line 14 and all after it", or "lines 5-9, 11, line 14 and all after it": these, and what comes after `read`.
std::string names_of(const std::vector<std::size_t>& lines, std::size_t read) {
    std::string closed;
    std::size_t open = read + 1;
    for (std::size_t first = 0; first < lines.size();) {
        std::size_t last = first;
        while (last + 1 < lines.size() && lines[last + 1] == lines[last] + 1) ++last;
        if (lines[last] == read) {
            open = lines[first];
        } else {
            closed += fmt::format("{}{}", closed.empty() ? "lines " : "", lines[first]);
            closed += last > first ? fmt::format("-{}, ", lines[last]) : ", ";
        }
        first = last + 1;
    }
    return fmt::format("{}line {} and all after it", closed, open);
}

// Each batch is one transaction, by the store itself: a dispatcher might spread it over several, and when one of them
// failed, later lines would be stored before earlier ones.
class Publishing {
  public:
    Publishing(const Options& options, Console& console)
        : options_(options),
          console_(console),
          store_(options.store.open()),
          patience_(options.patience, stop_, console) {}

    ExitStatus run();

  private:
    [[nodiscard]] LineReader::Got next_line(LineReader& reader);
    void read_line(std::string_view line);
    void refuse(std::size_t line, const std::string& why);
    void flush();
    void settle(const std::vector<AppendVerdict>& verdicts);
    [[nodiscard]] Failure stopped(ExitStatus status, const std::string& why, bool in_doubt = false) const;
    void print_counts() const;

    const Options& options_;
    Console& console_;
    Stop stop_;
    std::shared_ptr<Store> store_;
    Patience patience_;
    Progress progress_{console_};

    std::size_t line_ = 0;  // the last one that was read
    StoreBatch batch_ = {};
    std::vector<std::size_t> batch_lines_ = {};  // the number of each of its events
    std::size_t batch_bytes_ = 0;
    std::size_t events_ = 0;  // lines that were not blank
    std::size_t accepted_ = 0;
    std::size_t duplicate_ = 0;
    std::size_t refused_ = 0;
    std::size_t nobodys_ = 0;  // UFP without a company
};

ExitStatus Publishing::run() {
    using Kind = LineReader::Kind;
    LineReader reader(STDIN_FILENO, line_bytes_max, stop_);
    LineReader::Got got;
    do {
        got = next_line(reader);
        if (got.kind == Kind::interrupted) throw stopped(ExitStatus::interrupted, "interrupted");
        if (got.kind == Kind::line) read_line(got.line);
        if (got.kind == Kind::too_long) {
            ++events_;
            refuse(line_, fmt::format("longer than {} bytes", line_bytes_max));
        }
        const bool is_full = batch_lines_.size() >= batch_events_max || batch_bytes_ >= batch_bytes_max;
        if (is_full || got.kind == Kind::none_yet || got.kind == Kind::end) flush();
    } while (got.kind != Kind::end);
    if (events_ == 0) throw Failure(ExitStatus::input, "standard input: empty", "one event a line, as JSON");
    try {
        print_counts();
    } catch (const Failure& failure) {
        throw Failure(
            failure.status(), failure.what(),
            fmt::format("{} accepted, {} duplicate, {} refused all the same", accepted_, duplicate_, refused_));
    }
    if (nobodys_ > 0) {
        console_.note(fmt::format("note: {} without company_id, which no subscription can want", nobodys_));
    }
    return refused_ == 0 ? ExitStatus::ok : ExitStatus::no;
}

LineReader::Got Publishing::next_line(LineReader& reader) {
    try {
        const LineReader::Got got = reader.next(batch_lines_.empty());
        if (got.kind == LineReader::Kind::line || got.kind == LineReader::Kind::too_long) ++line_;
        return got;
    } catch (const Failure& failure) {
        throw line_ == 0 ? failure : stopped(failure.status(), failure.what());
    }
}

void Publishing::read_line(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    ++events_;
    const bool is_ufp = options_.vendor.profile() == Profile::ufp;
    auto event = is_ufp ? read_ufp_line(line)
                        : read_fpt_line(line, {.location = LocationId(options_.location),
                                               .organization = OrganizationId(options_.organization)});
    if (!event) return refuse(line_, event.error().message());
    if (event->scopes.empty()) ++nobodys_;
    batch_bytes_ += event->body.size();
    batch_.events.push_back(*std::move(event));
    batch_lines_.push_back(line_);
}

void Publishing::refuse(std::size_t line, const std::string& why) {
    ++refused_;
    console_.note(fmt::format("line {}: {}", line, printable(why)));
}

// Publishes what was read, or throws.
void Publishing::flush() {
    while (!batch_lines_.empty()) {
        batch_.at = system_clock()->now();
        const auto result = store_->commit(batch_);
        if (result) settle(result->events);
        if (batch_lines_.empty()) break;
        const Error failure = result ? Error(Errc::store_full, "too many deliveries are pending") : result.error();
        if (patience_.again(failure)) continue;
        if (stop_.wait_for(std::chrono::milliseconds(0))) throw stopped(ExitStatus::interrupted, "interrupted");
        throw stopped(ExitStatus::store, failure.message(), failure == Condition::in_doubt);
    }
    batch_bytes_ = 0;
    if (progress_.due()) progress_.show(fmt::format("{} lines, {} stored", line_, accepted_ + duplicate_));
}

// Counts what has found its place, and keeps what found the store full.
void Publishing::settle(const std::vector<AppendVerdict>& verdicts) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        switch (verdicts[i]) {
            case AppendVerdict::accepted: ++accepted_; break;
            case AppendVerdict::duplicate: ++duplicate_; break;
            case AppendVerdict::conflict: refuse(batch_lines_[i], "conflict: another event has its id"); break;
            case AppendVerdict::full:
                std::swap(batch_.events[kept], batch_.events[i]);
                std::swap(batch_lines_[kept], batch_lines_[i]);
                ++kept;
                break;
        }
    }
    if (kept < verdicts.size()) patience_.succeeded();
    batch_.events.erase(batch_.events.begin() + static_cast<std::ptrdiff_t>(kept), batch_.events.end());
    batch_lines_.resize(kept);
}

// What was not stored is told by number: nothing is lost silently.
Failure Publishing::stopped(ExitStatus status, const std::string& why, bool in_doubt) const {
    const std::string lines = names_of(batch_lines_, line_);
    try {
        print_counts();
    } catch (const Failure&) {
        // What was not stored matters more than where the counts cannot be written.
    }
    return {status, fmt::format("{}; {}not stored: {}", why, in_doubt ? "perhaps " : "", lines),
            "go on with these lines: those before are stored, but for refused ones"};
}

void Publishing::print_counts() const {
    if (console_.json) {
        console_.print(JsonText()
                           .begin_object()
                           .field("accepted", accepted_)
                           .field("duplicate", duplicate_)
                           .field("refused", refused_)
                           .end_object()
                           .text());
    } else {
        console_.print("{} accepted, {} duplicate, {} refused", accepted_, duplicate_, refused_);
    }
}

}  // namespace

void add_publish_command(CLI::App& parent, Console& console, Commands& commands) {
    auto options = std::make_shared<Options>();
    CLI::App* const app = parent.add_subcommand("publish", "Events from standard input into a store");
    options->vendor.add_to(*app);
    app->add_option("--location", options->location, "Where lines of type and data happened")
        ->type_name("ID")
        ->check(CLI::Range(std::int32_t{1}, std::numeric_limits<std::int32_t>::max()));
    app->add_option("--organization", options->organization, "Its organization, if it has one")
        ->type_name("ID")
        ->check(CLI::Range(std::int32_t{1}, std::numeric_limits<std::int32_t>::max()));
    options->patience.add_to(*app);
    options->store.add_to(*app);
    app->footer(
        "A line is a whole envelope, or {\"type\": \"contact.updated\", \"data\": {...}},\n"
        "or with --vendor ufp a UFP body. A bad line is reported by its number, and the\n"
        "others are published. Exit status 1 if one was refused.");
    commands.push_back({app, [options, &console] {
                            if (options->vendor.profile() == Profile::ufp &&
                                (options->location > 0 || options->organization > 0)) {
                                throw Failure(ExitStatus::usage, "--location and --organization: for FPT events only",
                                              "a UFP body names its tenant_id and company_id itself");
                            }
                            return Publishing(*options, console).run();
                        }});
}

}  // namespace fpt_webhooks::cli
