#include <fpt_webhooks/curl/pooled_resolver.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/fork.hpp"
#include "curl/address.hpp"
#include "curl/quiet_thread.hpp"

namespace fpt_webhooks::inline v0_1 {
namespace {

using Answer = Result<std::vector<IpAddress>>;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr std::size_t threads_limit = 256;  // a thread that hangs costs its stack

Error error_of_lookup(int code) {
    switch (code) {
        case EAI_NONAME:
#ifdef EAI_NODATA
        case EAI_NODATA:
#endif
            return Error(Errc::resolve_failed, "not found");
        case EAI_AGAIN: return Error(Errc::resolve_failed, "temporary failure of the name service");
        case EAI_FAIL: return Error(Errc::resolve_failed, "the name service refuses");
        case EAI_MEMORY: return Error(Errc::local_failure, "no memory to resolve the name");
        case EAI_SYSTEM: return Error(Errc::local_failure, "system error while resolving the name");
        default: return Error(Errc::resolve_failed, "name service error " + std::to_string(code));
    }
}

Answer look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // else each address comes once per socket type
    addrinfo* found = nullptr;
    if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) return error_of_lookup(code);
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

    std::vector<IpAddress> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        const auto address = detail::address_of(*entry->ai_addr, entry->ai_addrlen);
        if (!address || std::find(addresses.begin(), addresses.end(), *address) != addresses.end()) continue;
        if (addresses.size() == resolved_addresses_max) return Error(Errc::resolve_failed, "too many addresses");
        addresses.push_back(*address);
    }
    if (addresses.empty()) return Error(Errc::resolve_failed, "not found: no address");
    return addresses;
}

void answer(Resolver::Completion& done, Answer result) noexcept {
    try {
        done(std::move(result));
    } catch (...) {
        // a completion that throws must neither end the process nor take the other waiters' answers
    }
}

// Answers by name, each for a fixed age; the oldest goes when it is full.
class AnswerCache {
  public:
    AnswerCache(std::chrono::milliseconds age, std::size_t entries_max) : age_(age), entries_max_(entries_max) {}

    [[nodiscard]] bool enabled() const noexcept { return age_.count() > 0 && entries_max_ > 0; }

    [[nodiscard]] const std::vector<IpAddress>* find(const std::string& host, TimePoint now) const {
        const auto entry = entries_.find(host);
        return entry != entries_.end() && now < entry->second->until ? &entry->second->addresses : nullptr;
    }

    void put(const std::string& host, const std::vector<IpAddress>& addresses, TimePoint now) {
        if (const auto old = entries_.find(host); old != entries_.end()) {
            by_age_.erase(old->second);
            entries_.erase(old);
        }
        while (!by_age_.empty() && (by_age_.size() >= entries_max_ || by_age_.front().until <= now)) {
            entries_.erase(by_age_.front().host);
            by_age_.pop_front();
        }
        by_age_.push_back(Entry{host, addresses, now + age_});
        try {
            entries_.emplace(host, std::prev(by_age_.end()));
        } catch (...) {
            by_age_.pop_back();
            throw;
        }
    }

  private:
    struct Entry {
        std::string host;
        std::vector<IpAddress> addresses;
        TimePoint until;
    };

    std::chrono::milliseconds age_;
    std::size_t entries_max_;
    std::list<Entry> by_age_;  // all live equally long: the first in is the first out
    std::unordered_map<std::string, std::list<Entry>::iterator> entries_;
};

}  // namespace

// Shared with the threads: one that hangs in a look-up outlives the resolver.
struct PooledResolver::State {
    explicit State(PooledResolverOptions given)
        : options(std::move(given)), cache(options.cache_age, options.cache_entries_max) {}

    struct Worker {
        std::thread thread = {};
        bool looking_up = false;
    };

    void work(Worker& self);
    bool ensure_worker(const std::shared_ptr<State>& shared);
    void enqueue(const std::shared_ptr<State>& shared, const std::string& host, Completion& done);
    [[nodiscard]] Answer ask(const std::string& host) const noexcept;
    [[nodiscard]] std::vector<Completion> take_waiters(const std::string& host, const Answer& answer);

    const PooledResolverOptions options;
    const std::uint64_t generation = detail::fork_generation();

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> queue;                                   // names that no thread has taken yet
    std::unordered_map<std::string, std::vector<Completion>> asked;  // names in the queue or in a look-up, with waiters
    std::size_t waiting = 0;
    std::size_t idle = 0;
    std::list<Worker> workers;
    AnswerCache cache;
    bool stopping = false;
};

Answer PooledResolver::State::ask(const std::string& host) const noexcept {
    try {
        Answer answer = options.lookup(host);
        if (answer && answer->empty()) return Error(Errc::resolve_failed, "not found: no address");
        if (answer && answer->size() > resolved_addresses_max) return Error(Errc::resolve_failed, "too many addresses");
        return answer;
    } catch (...) {
        return Error(Errc::local_failure);
    }
}

std::vector<Resolver::Completion> PooledResolver::State::take_waiters(const std::string& host, const Answer& answer) {
    std::vector<Completion> waiters;
    if (const auto entry = asked.find(host); entry != asked.end()) {
        waiters = std::move(entry->second);
        asked.erase(entry);
        waiting -= waiters.size();
    }
    if (answer && cache.enabled() && !stopping) {
        try {
            cache.put(host, *answer, options.clock->steady_now());
        } catch (...) {
            // without memory the answer is given all the same, and asked again next time
        }
    }
    return waiters;
}

void PooledResolver::State::work(Worker& self) {
    std::unique_lock lock(mutex);
    while (true) {
        ++idle;
        changed.wait(lock, [&] { return stopping || !queue.empty(); });
        --idle;
        if (stopping) return;
        const std::string host = std::move(queue.front());
        queue.pop_front();

        self.looking_up = true;
        lock.unlock();
        Answer result = ask(host);
        lock.lock();
        self.looking_up = false;

        auto waiters = take_waiters(host, result);
        lock.unlock();
        for (Completion& done : waiters) answer(done, result);
        waiters.clear();  // what they hold is destroyed outside the lock
        lock.lock();
    }
}

// With the lock held. False when there is no thread at all to do the work.
bool PooledResolver::State::ensure_worker(const std::shared_ptr<State>& shared) {
    if (idle >= queue.size() || workers.size() >= options.threads_max) return true;
    try {
        Worker& worker = workers.emplace_back();
        try {
            worker.thread = detail::start_quiet_thread([shared, &worker]() noexcept { shared->work(worker); });
        } catch (...) {
            workers.pop_back();
            throw;
        }
    } catch (...) {
        return !workers.empty();
    }
    return true;
}

// With the lock held. Takes `done` only if it will be answered.
void PooledResolver::State::enqueue(const std::shared_ptr<State>& shared, const std::string& host, Completion& done) {
    const auto [entry, is_new] = asked.try_emplace(host);
    try {
        entry->second.push_back(done);
        if (is_new) queue.push_back(host);
    } catch (...) {
        if (is_new) asked.erase(entry);
        throw;
    }
    ++waiting;
    if (is_new && !ensure_worker(shared)) {
        queue.pop_back();
        asked.erase(entry);
        --waiting;
        throw std::bad_alloc();
    }
    done = nullptr;
}

PooledResolver::PooledResolver(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

Result<std::shared_ptr<PooledResolver>> PooledResolver::create(PooledResolverOptions options) {
    if (options.threads_max < 1 || options.threads_max > threads_limit) {
        return Error(Errc::invalid_argument, "threads_max: must be 1 to " + std::to_string(threads_limit));
    }
    if (options.waiting_max < 1) return Error(Errc::invalid_argument, "waiting_max: must be at least 1");
    if (options.cache_age.count() < 0) return Error(Errc::invalid_argument, "cache_age: must not be negative");
    if (!options.clock) options.clock = system_clock();
    if (!options.lookup) options.lookup = look_up;
    auto state = std::make_shared<State>(std::move(options));
    if (state->generation == 0) return Error(Errc::local_failure, "no memory for the fork handler");
    return std::make_shared<PooledResolver>(std::move(state));
}

PooledResolver::~PooledResolver() {
    if (state_->generation != detail::fork_generation()) {
        // In a child the threads do not exist, and a lock may be held for ever by one that does not.
        new std::shared_ptr<State>(std::move(state_));
        return;
    }
    std::unordered_map<std::string, std::vector<Completion>> left;
    std::vector<std::thread> ending;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        left.swap(state_->asked);
        state_->queue.clear();
        for (State::Worker& worker : state_->workers) {
            const bool is_self = worker.thread.get_id() == std::this_thread::get_id();
            if (worker.looking_up || is_self) {
                worker.thread.detach();
            } else {
                ending.push_back(std::move(worker.thread));
            }
        }
    }
    state_->changed.notify_all();
    for (auto& [host, waiters] : left) {
        for (Completion& done : waiters) answer(done, Error(Errc::cancelled, "the resolver is being destroyed"));
    }
    for (std::thread& thread : ending) thread.join();
}

void PooledResolver::resolve(const std::string& host, Completion done) {
    const std::shared_ptr<State> state = state_;  // the completion may destroy this object while we are in it
    if (state->generation != detail::fork_generation()) return answer(done, Error(Errc::forked));
    std::optional<Answer> at_once;
    try {
        const std::lock_guard lock(state->mutex);
        const auto* cached =
            state->cache.enabled() ? state->cache.find(host, state->options.clock->steady_now()) : nullptr;
        if (cached != nullptr) {
            at_once = *cached;
        } else if (state->waiting >= state->options.waiting_max) {
            at_once = Error(Errc::overloaded, "resolver: waiting_max reached");
        } else {
            state->enqueue(state, host, done);
        }
    } catch (...) {
        at_once = Error(Errc::local_failure, "resolver: no memory or no thread");
    }
    if (at_once) return answer(done, std::move(*at_once));
    state->changed.notify_one();
}

}  // namespace fpt_webhooks::inline v0_1
