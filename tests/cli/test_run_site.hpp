// What the tests of `fpt-webhooks run` share: a store, this process that publishes into it, and what asks the program.
#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <httplib.h>

#include <fpt_webhooks/fpt_webhooks.hpp>

#include "cli/program.hpp"
#include "cli/store_program.hpp"
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"
#include "support/temporary_folder.hpp"

namespace run_test {

using namespace cli_test;
using namespace fpt_webhooks;
using namespace fpt_webhooks::test;

inline constexpr LocationId location(1234);
inline constexpr Actor admin{.role = Role::location_admin, .location = location};

inline void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string key_file(const TemporaryFolder& folder) {
    write_file(folder.file("key"), store_key + "\n");
    return folder.file("key");
}

// A store with its key, and this process as the one that publishes into it.
struct Site {
    TemporaryFolder folder;
    std::string key = key_file(folder);
    CertificateAuthority authority;
    TemporaryFile authority_file{authority.certificate_pem()};
    std::shared_ptr<SqliteStore> store =
        SqliteStore::open({.path = folder.file(), .encryption_key = Secret(store_key)}).value();
    std::unique_ptr<Dispatcher> publisher =
        Dispatcher::create({.store = store,
                            .transport = CurlTransport::create({.ca_file = authority_file.path()}).value(),
                            .policy = EndpointPolicy::create({.allow = {"127.0.0.1"}, .allow_http = true}).value()})
            .value();
    std::string secret;  // of the last subscription

    Server::Options tls() const { return {.identity = authority.issue({.dns_names = {}, .addresses = {"127.0.0.1"}})}; }

    void subscribe(const std::string& url) {
        const auto record =
            publisher->create_subscription({.actor = admin, .url = url, .events = {"contact.*"}}).value();
        secret = publisher->generate_secret(admin, record.subscription.id()).value().reveal();
    }

    void publish(int count) const {
        for (int i = 1; i <= count; ++i) {
            const auto event =
                publisher->make_event(ContactUpdated{.contact_id = ContactId(i)}, {.location = location});
            REQUIRE(publisher->publish(event.value()).value() == AppendVerdict::accepted);
        }
    }

    [[nodiscard]] std::size_t count(DeliveryState state) const {
        return publisher->deliveries({.state = state}).value().deliveries.size();
    }

    [[nodiscard]] std::vector<std::string> options(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> options = {"run",      "--store",  folder.file(),         "--key-file",
                                            key,        "--cacert", authority_file.path(), "--allow-address",
                                            "127.0.0.1"};
        options.insert(options.end(), more.begin(), more.end());
        return options;
    }

    // Runs when this returns.
    [[nodiscard]] std::unique_ptr<RunningProgram> start(const std::vector<std::string>& more = {}) const {
        auto program = std::make_unique<RunningProgram>(options(more));
        const bool runs = program->wait_for("running").has_value();
        CAPTURE(program->err());
        REQUIRE(runs);
        return program;
    }
};

inline Ended terminate(RunningProgram& program) {
    program.signal(SIGTERM);
    return program.wait();
}

// Closed until a test opens it; what an endpoint waits at.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        is_open_ = true;
        opened_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        opened_.wait_for(lock, std::chrono::seconds(30), [&] { return is_open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool is_open_ = false;
};

inline Server::Script answer_behind(Gate& gate) {
    return [&gate](Connection& connection) {
        while (connection.read_request()) {
            gate.pass();
            connection.write(response_of(200));
        }
    };
}

inline void never_answer(Connection& connection) {
    while (connection.read_request()) connection.wait_for_close();
}

// The port that "running, metrics on http://127.0.0.1:<port>/metrics" tells.
inline int metrics_port(const RunningProgram& program) {
    const auto end = program.wait_for("/metrics");
    REQUIRE(end);
    const std::string line = program.out();
    return std::stoi(line.substr(line.find("127.0.0.1:") + 10));
}

struct Page {
    int status = 0;
    std::string body;
    std::string type;
};

inline Page get(const RunningProgram& program, const std::string& path) {
    httplib::Client client("127.0.0.1", metrics_port(program));
    client.set_read_timeout(30);
    const auto answer = client.Get(path);
    if (!answer) return {};
    return {answer->status, answer->body, answer->get_header_value("Content-Type")};
}

// Asks until the answer is what is waited for, for as long as a minute.
template <class Condition>
Page get_until(const RunningProgram& program, const std::string& path, Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
        const Page page = get(program, path);
        if (holds(page) || std::chrono::steady_clock::now() >= deadline) return page;
    }
}

}  // namespace run_test
