#include <fpt_webhooks/curl/pooled_resolver.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using Answer = fw::Result<std::vector<fw::IpAddress>>;

namespace {

constexpr auto patience = std::chrono::seconds(30);

std::vector<fw::IpAddress> addresses(std::initializer_list<const char*> texts) {
    std::vector<fw::IpAddress> list;
    for (const char* text : texts) list.push_back(fw::IpAddress::parse(text).value());
    return list;
}

class SettableClock final : public fw::Clock {
  public:
    fw::Timestamp now() const noexcept override { return {}; }
    std::chrono::steady_clock::time_point steady_now() const noexcept override {
        return std::chrono::steady_clock::time_point(std::chrono::milliseconds(at.load()));
    }
    std::atomic<std::int64_t> at{0};
};

// A name service of our own: counts, hangs on demand. Outlives the threads that hang in it.
class Names {
  public:
    Answer look_up(const std::string& host) {
        std::unique_lock lock(mutex_);
        ++lookups_[host];
        changed_.notify_all();
        changed_.wait(lock, [&] { return released_ || !host.starts_with("hang"); });
        if (host == "throws.example") throw std::runtime_error("no");
        if (host == "empty.example") return std::vector<fw::IpAddress>{};
        if (host == "unknown.example") return fw::Error(fw::Errc::resolve_failed, "not found");
        return addresses({"192.0.2.1", "2001:db8::1"});
    }
    int lookups(const std::string& host) {
        const std::lock_guard lock(mutex_);
        return lookups_[host];
    }
    void wait_for_lookup(const std::string& host) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, patience, [&] { return lookups_[host] > 0; }));
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, int> lookups_;
    bool released_ = false;
};

struct Setup {
    std::shared_ptr<Names> names = std::make_shared<Names>();
    fw::PooledResolverOptions options{
        .lookup = [names = names](const std::string& host) { return names->look_up(host); }};
    ~Setup() { names->release(); }
};

std::future<Answer> ask(fw::Resolver& resolver, const std::string& host) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    resolver.resolve(host, [promise](Answer answer) { promise->set_value(std::move(answer)); });
    return future;
}

Answer get(std::future<Answer> future) {
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
}

}  // namespace

TEST_CASE("pooled resolver: gives the whole answer in its order, both families") {
    Setup setup;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    CHECK(get(ask(*resolver, "hooks.example")).value() == addresses({"192.0.2.1", "2001:db8::1"}));
}

TEST_CASE("pooled resolver: asks the system by default") {
    const auto resolver = fw::PooledResolver::create().value();
    const auto answer = get(ask(*resolver, "localhost")).value();
    CHECK(std::find(answer.begin(), answer.end(), addresses({"127.0.0.1"}).front()) != answer.end());
}

TEST_CASE("pooled resolver: an unknown name, an empty answer and a look-up that throws are errors") {
    Setup setup;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    CHECK(get(ask(*resolver, "unknown.example")).error() == fw::Errc::resolve_failed);
    CHECK(get(ask(*resolver, "empty.example")).error() == fw::Errc::resolve_failed);
    CHECK(get(ask(*resolver, "throws.example")).error() == fw::Errc::local_failure);
}

TEST_CASE("pooled resolver: an answer of too many addresses is an error") {
    const std::vector<fw::IpAddress> many(fw::resolved_addresses_max + 1, fw::IpAddress::parse("192.0.2.1").value());
    const auto resolver = fw::PooledResolver::create({.lookup = [&](const std::string&) { return many; }}).value();
    CHECK(get(ask(*resolver, "hooks.example")).error() == fw::Errc::resolve_failed);
}

TEST_CASE("pooled resolver: requests for one name share one look-up, so a hanging name holds one thread") {
    Setup setup;
    setup.options.threads_max = 2;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    std::vector<std::future<Answer>> hanging;
    for (int i = 0; i < 10; ++i) hanging.push_back(ask(*resolver, "hang.example"));
    CHECK(get(ask(*resolver, "hooks.example")).has_value());  // the other thread is free
    CHECK(setup.names->lookups("hang.example") == 1);
    setup.names->release();
    for (auto& future : hanging) CHECK(get(std::move(future)).has_value());
}

TEST_CASE("pooled resolver: more waiting requests than allowed are refused as overloaded") {
    Setup setup;
    setup.options.threads_max = 1;
    setup.options.waiting_max = 2;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    auto first = ask(*resolver, "hang-1.example");
    auto second = ask(*resolver, "hang-2.example");
    CHECK(get(ask(*resolver, "hang-3.example")).error() == fw::Errc::overloaded);
    CHECK(get(ask(*resolver, "hang-1.example")).error() == fw::Errc::overloaded);
    setup.names->release();
    CHECK(get(std::move(first)).has_value());
    CHECK(get(std::move(second)).has_value());
    CHECK(get(ask(*resolver, "hang-3.example")).has_value());
}

TEST_CASE("pooled resolver: an answer is kept for its age and no longer, an error never") {
    Setup setup;
    const auto clock = std::make_shared<SettableClock>();
    setup.options.clock = clock;
    setup.options.cache_age = std::chrono::milliseconds(100);
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    (void)get(ask(*resolver, "hooks.example"));
    clock->at = 99;
    (void)get(ask(*resolver, "hooks.example"));
    CHECK(setup.names->lookups("hooks.example") == 1);
    clock->at = 100;
    (void)get(ask(*resolver, "hooks.example"));
    CHECK(setup.names->lookups("hooks.example") == 2);
    (void)get(ask(*resolver, "unknown.example"));
    (void)get(ask(*resolver, "unknown.example"));
    CHECK(setup.names->lookups("unknown.example") == 2);
}

TEST_CASE("pooled resolver: the cache is bounded, the oldest answer goes first") {
    Setup setup;
    setup.options.cache_entries_max = 2;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    for (const char* host : {"a.example", "b.example", "c.example", "b.example", "a.example"}) {
        (void)get(ask(*resolver, host));
    }
    CHECK(setup.names->lookups("a.example") == 2);
    CHECK(setup.names->lookups("b.example") == 1);
}

TEST_CASE("pooled resolver: zero entries or zero age switch the cache off") {
    Setup setup;
    const bool by_age = GENERATE(true, false);
    if (by_age) setup.options.cache_age = {};
    if (!by_age) setup.options.cache_entries_max = 0;
    const auto resolver = fw::PooledResolver::create(setup.options).value();
    (void)get(ask(*resolver, "hooks.example"));
    (void)get(ask(*resolver, "hooks.example"));
    CHECK(setup.names->lookups("hooks.example") == 2);
}

TEST_CASE("pooled resolver: its destructor waits for no hanging name and cancels who waits") {
    Setup setup;
    setup.options.threads_max = 1;
    auto resolver = fw::PooledResolver::create(setup.options).value();
    auto in_lookup = ask(*resolver, "hang-1.example");
    setup.names->wait_for_lookup("hang-1.example");
    auto queued = ask(*resolver, "hang-2.example");
    resolver.reset();  // hangs here if it waits
    CHECK(get(std::move(in_lookup)).error() == fw::Errc::cancelled);
    CHECK(get(std::move(queued)).error() == fw::Errc::cancelled);
}

TEST_CASE("pooled resolver: may be destroyed by a completion, and completions may throw") {
    Setup setup;
    auto resolver = fw::PooledResolver::create(setup.options).value();
    resolver->resolve("hooks.example", [](Answer) { throw std::runtime_error("ignored"); });
    (void)get(ask(*resolver, "hooks.example"));
    auto ended = std::make_shared<std::promise<void>>();
    auto future = ended->get_future();
    fw::PooledResolver& borrowed = *resolver;
    auto holder = std::make_shared<std::shared_ptr<fw::PooledResolver>>(std::move(resolver));
    borrowed.resolve("other.example", [holder, ended](Answer) {
        holder->reset();
        ended->set_value();
    });
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
}

TEST_CASE("pooled resolver: names the option that cannot be used") {
    const auto detail = [](fw::PooledResolverOptions options) {
        return fw::PooledResolver::create(std::move(options)).error().detail();
    };
    CHECK(detail({.threads_max = 0}).starts_with("threads_max"));
    CHECK(detail({.threads_max = 100'000}).starts_with("threads_max"));
    CHECK(detail({.waiting_max = 0}).starts_with("waiting_max"));
    CHECK(detail({.cache_age = std::chrono::milliseconds(-1)}).starts_with("cache_age"));
}
