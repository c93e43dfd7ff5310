#include <fpt_webhooks/testing_sender/scripted_resolver.hpp>

#include <algorithm>
#include <iterator>

namespace fpt_webhooks::inline v0_1::testing {

ScriptedResolver::~ScriptedResolver() {
    for (const auto& [host, done] : hanging_) done(Error(Errc::cancelled, "the resolver was destroyed"));
}

Result<void> ScriptedResolver::answer(const std::string& host, const std::vector<std::string>& addresses) {
    if (addresses.empty()) return Error(Errc::invalid_argument, "an answer without an address");
    std::vector<IpAddress> parsed;
    for (const std::string& text : addresses) {
        auto address = IpAddress::parse(text);
        if (!address) return std::move(address).error();
        parsed.push_back(*address);
    }
    set(host, Answer(std::move(parsed)));
    return {};
}

void ScriptedResolver::fail(const std::string& host, Error error) { set(host, Answer(std::move(error))); }

void ScriptedResolver::hang(const std::string& host) { set(host, std::nullopt); }

void ScriptedResolver::set(const std::string& host, std::optional<Answer> answer) {
    std::vector<std::pair<std::string, Completion>> released;
    {
        const std::scoped_lock lock(mutex_);
        answers_.insert_or_assign(host, answer);
        if (!answer) return;
        const auto first = std::stable_partition(hanging_.begin(), hanging_.end(),
                                                 [&](const auto& waiting) { return waiting.first != host; });
        released.assign(std::make_move_iterator(first), std::make_move_iterator(hanging_.end()));
        hanging_.erase(first, hanging_.end());
    }
    for (const auto& [name, done] : released) done(*answer);
}

void ScriptedResolver::resolve(const std::string& host, Completion done) {
    Answer answer = Error(Errc::resolve_failed, "no answer was scripted for this host");
    {
        const std::scoped_lock lock(mutex_);
        asked_.push_back(host);
        if (const auto found = answers_.find(host); found != answers_.end()) {
            if (!found->second) {
                hanging_.emplace_back(host, std::move(done));
                return;
            }
            answer = *found->second;
        }
    }
    done(std::move(answer));
}

std::vector<std::string> ScriptedResolver::asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
}

}  // namespace fpt_webhooks::inline v0_1::testing
