// CurlTransport beside a bare libcurl multi loop: 64 kept connections to one fast sink, plain HTTP on loopback.
//
// The sink is a process of its own. The three clients take turns in short rounds, ours between the other two, and the
// median of the rounds' ratios counts: a shared machine's slow seconds hit a round's three clients alike.
// Usage: fpt_webhooks_bench_transport [rounds] [milliseconds per round]
#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <fpt_webhooks/curl.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sink.hpp"

namespace fw = fpt_webhooks;

namespace {

using bench::fail;

constexpr std::size_t connections = 64;
constexpr std::size_t body_bytes = 255;
constexpr double target_ratio = 0.85;
using SteadyClock = std::chrono::steady_clock;

const std::string body(body_bytes, 'x');
const std::array<std::pair<const char*, const char*>, 3> headers{
    {{"Content-Type", "application/json; charset=utf-8"},
     {"User-Agent", "FitProTracker-Webhooks/1.1"},
     {"X-FPT-Signature", "t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86"}}};

// Requests per second by the clock and by the processor time of this process: on a machine that others use too, the
// second is the steadier one. (Ours spends it on one thread but for the round's start.)
struct Rates {
    double wall = 0;
    double cpu = 0;
};

std::chrono::duration<double> cpu_time() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

class Stopwatch {
  public:
    [[nodiscard]] Rates rates(std::size_t completed) const {
        const auto count = static_cast<double>(completed);
        const std::chrono::duration<double> wall = SteadyClock::now() - start_;
        return {.wall = count / wall.count(), .cpu = count / (cpu_time() - cpu_start_).count()};
    }

  private:
    SteadyClock::time_point start_ = SteadyClock::now();
    std::chrono::duration<double> cpu_start_ = cpu_time();
};

// ---- bare libcurl ----

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

// What the two bare loops share: handles that are set up once and only added again.
class Bare {
  public:
    explicit Bare(const std::string& url) : multi_(curl_multi_init()) {
        for (const auto& [name, value] : headers) {
            list_ = curl_slist_append(list_, (std::string(name) + ": " + value).c_str());
        }
        for (std::size_t i = 0; i < connections; ++i) {
            CURL* easy = curl_easy_init();
            curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
            curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list_);
            curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
            curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, discard);
            curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
            curl_easy_setopt(easy, CURLOPT_PROXY, "");
            curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30'000L);
            curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
            handles_.push_back(easy);
        }
    }
    virtual ~Bare() {
        for (CURL* easy : handles_) {
            curl_multi_remove_handle(multi_, easy);
            curl_easy_cleanup(easy);
        }
        curl_multi_cleanup(multi_);
        curl_slist_free_all(list_);
    }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;

    // What is under way at the end is waited for: a handle that is removed too early takes its connection with it.
    Rates run(std::chrono::milliseconds time) {
        completed_ = 0;
        live_ = handles_.size();
        const Stopwatch watch;
        end_ = SteadyClock::now() + time;
        for (CURL* easy : handles_) curl_multi_add_handle(multi_, easy);
        while (live_ > 0) turn();
        return watch.rates(completed_);
    }

  protected:
    virtual void turn() = 0;

    void reap() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->data.result != CURLE_OK) fail(curl_easy_strerror(message->data.result));
            CURL* easy = message->easy_handle;
            long status = 0;
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (status != 200) fail("status");
            ++completed_;
            curl_multi_remove_handle(multi_, easy);
            if (SteadyClock::now() < end_) {
                curl_multi_add_handle(multi_, easy);
            } else {
                --live_;
            }
        }
    }

    CURLM* multi_;
    std::size_t completed_ = 0;
    std::size_t live_ = 0;

  private:
    SteadyClock::time_point end_;
    std::vector<CURL*> handles_;
    curl_slist* list_ = nullptr;
};

class BarePoll final : public Bare {
  public:
    using Bare::Bare;

  private:
    void turn() override {
        int running = 0;
        curl_multi_perform(multi_, &running);
        reap();
        if (live_ == 0) return;
        curl_multi_poll(multi_, nullptr, 0, 100, nullptr);  // returns at once while a handle waits to be started
    }
};

// Sockets stay registered; nothing is ever closed here.
class BareSockets final : public Bare {
  public:
    explicit BareSockets(const std::string& url) : Bare(url), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    }
    ~BareSockets() override { close(epoll_); }

  private:
    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
        static_cast<BareSockets*>(self)->watch(socket, what);
        return 0;
    }
    static int on_timer(CURLM*, long timeout_ms, void* self) {
        static_cast<BareSockets*>(self)->timeout_ms_ = timeout_ms;
        return 0;
    }
    void watch(int socket, int what) {
        if (what == CURL_POLL_REMOVE) return;
        epoll_event event{};
        event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
        event.data.fd = socket;
        const auto index = static_cast<std::size_t>(socket);
        if (index >= registered_.size()) registered_.resize(index + 1);
        std::uint32_t& registered = registered_[index];
        if (registered == event.events) return;
        // 0, or a number that was closed and came back
        if (registered == 0 || epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event) != 0) {
            epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
        }
        registered = event.events;
    }
    void turn() override {
        int running = 0;
        std::array<epoll_event, 128> events;
        const int wait_ms = timeout_ms_ < 0 ? 100 : static_cast<int>(std::min(timeout_ms_, 100L));
        const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            const int mask =
                (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            curl_multi_socket_action(multi_, event.data.fd, mask, &running);
        }
        if (timeout_ms_ == 0) curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
        reap();
        if (timeout_ms_ == 0) curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
        reap();
    }

    int epoll_;
    long timeout_ms_ = 0;
    std::vector<std::uint32_t> registered_;  // by number
};

// ---- ours ----

// 64 lanes: each completion starts the lane's next attempt, as the dispatcher does.
class Ours {
  public:
    explicit Ours(std::string url) : url_(std::move(url)) {
        auto transport = fw::CurlTransport::create({.in_flight_max = connections});
        if (!transport) fail(transport.error().message().c_str());
        transport_ = *std::move(transport);
        policy_ = fw::EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true}).value();
    }

    Rates run(std::chrono::milliseconds time) {
        completed_ = 0;
        const Stopwatch watch;
        end_ = SteadyClock::now() + time;
        live_ = connections;
        for (std::size_t i = 0; i < connections; ++i) start_one();
        std::unique_lock lock(mutex_);
        done_.wait(lock, [&] { return live_ == 0; });
        return watch.rates(completed_);
    }

  private:
    void start_one() {
        fw::TransportRequest request{.http = {.url = url_, .body = body}, .policy = policy_};
        for (const auto& [name, value] : headers) request.http.headers.add(name, value);
        auto started = transport_->start(std::move(request), [this](const fw::TransportOutcome& outcome) {
            if (!outcome.response) fail(outcome.response.error().message().c_str());
            if (outcome.response->status != 200) fail("status");
            ++completed_;
            if (SteadyClock::now() < end_) return start_one();
            const std::lock_guard lock(mutex_);
            if (--live_ == 0) done_.notify_all();
        });
        if (!started) fail(started.error().message().c_str());
    }

    std::string url_;
    std::shared_ptr<fw::CurlTransport> transport_;
    std::shared_ptr<const fw::EndpointPolicy> policy_;
    std::atomic<std::size_t> completed_ = 0;
    SteadyClock::time_point end_;
    std::mutex mutex_;
    std::condition_variable done_;
    std::size_t live_ = 0;
};

// The quarter-th of the values in their order: 2 is the median.
double quartile(std::vector<double> values, std::size_t quarter) {
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) * quarter / 4];
}

struct Round {
    Rates poll;
    Rates sockets;
    Rates ours;
};

void report(const char* unit, const std::vector<Round>& rounds, double Rates::*field) {
    std::vector<double> poll, sockets, ours, ratios;
    for (const Round& round : rounds) {
        poll.push_back(round.poll.*field);
        sockets.push_back(round.sockets.*field);
        ours.push_back(round.ours.*field);
        ratios.push_back(ours.back() / std::max(poll.back(), sockets.back()));
    }
    const double ratio = quartile(ratios, 2);
    std::printf(
        "%s: curl_multi_poll %.0f, socket callbacks %.0f, CurlTransport %.0f; ratio to a round's better %.2f, "
        "half of the rounds from %.2f to %.2f, target %.2f: %s\n",
        unit, quartile(poll, 2), quartile(sockets, 2), quartile(ours, 2), ratio, quartile(ratios, 1),
        quartile(ratios, 3), target_ratio, ratio >= target_ratio ? "met" : "missed");
}

void measure(const std::string& url, int count, std::chrono::milliseconds time) {
    BarePoll poll(url);
    BareSockets sockets(url);
    Ours ours(url);
    std::vector<Round> rounds;
    for (int i = -1; i < count; ++i) {
        Round round;
        const bool poll_first = i % 2 == 0;
        if (poll_first) round.poll = poll.run(time);
        if (!poll_first) round.sockets = sockets.run(time);
        round.ours = ours.run(time);
        if (poll_first) round.sockets = sockets.run(time);
        if (!poll_first) round.poll = poll.run(time);
        if (i >= 0) rounds.push_back(round);  // in the first one connections are made
    }
    std::printf("%zu kept connections, %zu-byte bodies, medians of %d rounds\n", connections, body_bytes, count);
    report("requests per second", rounds, &Rates::wall);
    report("requests per second of processor time", rounds, &Rates::cpu);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = std::clamp(argc > 1 ? std::atoi(argv[1]) : 60, 1, 1000);
    const std::chrono::milliseconds time(std::clamp(argc > 2 ? std::atoi(argv[2]) : 100, 10, 10'000));
    const bench::Sink sink;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    measure(sink.url(), rounds, time);
    return 0;
}
