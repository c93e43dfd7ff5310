// Each library below, as its authors published it, against our Signer and Verifier, in both directions.
//
// peer.mjs is the other side; the requests between it and us are real HTTP on loopback.
#include <fpt_webhooks/receiver.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <httplib.h>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
using namespace std::chrono_literals;

namespace {

// The scheme of GitHub's webhooks: one more value, nothing compiled in.
constexpr fw::Scheme github{
    .name = "github",
    .signature_header = "X-Hub-Signature-256",
    .id_header = "",
    .timestamp_header = "",
    .grammar = fw::SignatureGrammar::single,
    .label = "sha256=",
};

struct Library {
    const char* name;
    const fw::Scheme& scheme;
    const char* secret;
    const char* wrong_secret;
};

constexpr const char* fpt_secret = "whsec_fpt_test_secret_32_chars_min!!";
constexpr const char* standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* wrong_standard_secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const std::array<Library, 4> libraries{{
    {"stripe", fw::Scheme::fpt, fpt_secret, "whsec_fpt_test_secret_32_chars_min!?"},
    {"svix", fw::Scheme::standard_webhooks, standard_secret, wrong_standard_secret},
    {"standardwebhooks", fw::Scheme::standard_webhooks, standard_secret, wrong_standard_secret},
    {"octokit", github, "It's a Secret to Everybody", "It's a Secret to Nobody"},
}};

const std::vector<std::string> bodies{
    R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated",)"
    R"("eventTimestamp":"2026-06-10T23:45:00Z","locationId":1234,"organizationId":5678,"apiVersion":"v1",)"
    R"("data":{"contactId":9876,"operation":"update"}})",
    "{\n  \"eventId\":         \"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e\",\n"
    "  \"eventType\":       \"contact.sub_group_changed\",\n"
    "  \"eventTimestamp\":  \"2026-06-10T23:45:00.123Z\",\n"
    "  \"locationId\":      1234,\n  \"organizationId\":  5678,\n  \"apiVersion\":      \"v1\",\n"
    "  \"data\": {\n    \"contactId\":            9876,\n"
    "    \"previousSubGroupId\":   3,\n    \"newSubGroupId\":        7\n  }\n}",
    "{}",
    R"({"filler":")" + std::string(100 * 1024, 'x') + R"("})",
    R"({"name":"Zoë Þórsdóttir","club":"東京ジム","mood":"🏋️"})",
    "{\"ends\":\"with a line break\"}\n",
};

fw::Timestamp now() { return fw::system_clock()->now(); }

std::string seconds_of(fw::Timestamp time) {
    return std::to_string(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
}

// The node program; it ends with this object, or with this process at the latest.
class Peer {
  public:
    Peer() {
        std::array<int, 2> input{};
        std::array<int, 2> output{};
        if (pipe2(input.data(), O_CLOEXEC) != 0 || pipe2(output.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("pipe");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
        std::array<char*, 3> arguments{const_cast<char*>(NODE), const_cast<char*>(PEER), nullptr};
        const int failed = posix_spawn(&child_, NODE, &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        close(input[0]);
        close(output[1]);
        stdin_ = input[1];
        if (failed != 0) throw std::runtime_error(std::string("cannot start ") + NODE);

        std::FILE* lines = fdopen(output[0], "r");
        const int read = std::fscanf(lines, "%d", &port_);
        std::fclose(lines);
        if (read != 1) throw std::runtime_error("the peer printed no port");
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() {
        close(stdin_);
        waitpid(child_, nullptr, 0);
    }

    httplib::Result post(const std::string& path, const httplib::Headers& headers, const std::string& body) const {
        httplib::Client client("127.0.0.1", port_);
        client.set_read_timeout(20s);
        return client.Post(path, headers, body, "application/json");
    }
    std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }

  private:
    pid_t child_ = -1;
    int stdin_ = -1;
    int port_ = 0;
};

fw::HttpRequest request_of(const httplib::Request& in) {
    fw::HttpRequest request{.method = in.method, .url = in.path};
    for (const auto& [name, value] : in.headers) request.headers.add(name, value);
    request.body = in.body;
    return request;
}

// Our side: under each library's name a Verifier of its scheme and secret; under "receiver" a Receiver.
class Endpoint {
  public:
    Endpoint() {
        receiver_->on<fw::ContactUpdated>([this](const fw::Envelope&, const fw::ContactUpdated&) { ++handled_; });
        server_.Post("/receiver", [this](const httplib::Request& in, httplib::Response& out) {
            out.status = receiver_->handle(request_of(in)).status;
        });
        for (const Library& library : libraries) {
            const auto verifier =
                fw::Verifier::create({.scheme = library.scheme, .secrets = {fw::Secret(library.secret)}}).value();
            server_.Post(std::string("/") + library.name,
                         [verifier](const httplib::Request& in, httplib::Response& out) {
                             const auto verdict = verifier.verify(request_of(in));
                             out.status = verdict ? 200 : 401;
                             out.body = verdict ? "accepted" : verdict.error().message();
                         });
        }
        server_.Post("/echo", [](const httplib::Request& in, httplib::Response& out) {
            out.body = in.get_header_value("X-FPT-Signature");
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();  // stop() before that would be forgotten
    }
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    ~Endpoint() {
        server_.stop();
        thread_.join();
    }

    std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
    int handled() const { return handled_; }

  private:
    std::unique_ptr<fw::Receiver> receiver_ =
        fw::Receiver::create({.endpoint = "interop", .secrets = {fw::Secret(fpt_secret)}}).value();
    std::atomic<int> handled_{0};
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

// "200 accepted", "401 <why>", or why there was no answer.
std::string answer(const httplib::Result& result) {
    if (!result) return httplib::to_string(result.error());
    return std::to_string(result->status) + ' ' + result->body;
}

// What we sign, as the peer judges it. `time` is the peer's clock, where its library has one that can be set.
struct Ours {
    fw::Headers headers;
    std::string body;

    static Ours sign(const Library& library, std::string body, fw::Timestamp time = now()) {
        const auto signer = fw::Signer::create(library.scheme, fw::Secret(library.secret)).value();
        return {signer.sign(fw::bytes_of(body), time, "msg_2Lr0").value(), std::move(body)};
    }
    std::string judged_by(const Peer& peer, const Library& library, const std::string& secret,
                          fw::Timestamp time = now()) const {
        httplib::Headers fields{{"x-peer-secret", secret}, {"x-peer-time", seconds_of(time)}};
        for (const auto& [name, value] : headers) fields.emplace(name, value);
        return answer(peer.post(std::string("/verify/") + library.name, fields, body));
    }
    // The headers with one value rewritten.
    template <class F>
    Ours with(std::string_view name, F&& rewrite) const {
        Ours changed{{}, body};
        for (const auto& [field, value] : headers) {
            changed.headers.add(field, fw::equals_ignoring_case(field, name) ? rewrite(value) : value);
        }
        return changed;
    }
    fw::Result<fw::Verification> judged_by_us(const Library& library) const {
        return fw::Verifier::create({.scheme = library.scheme, .secrets = {fw::Secret(library.secret)}})
            .value()
            .verify(headers, fw::bytes_of(body));
    }
};

// What the library signs, as our endpoint judges it.
std::string theirs(const Peer& peer, const Endpoint& endpoint, const Library& library, const std::string& body,
                   httplib::Headers steer = {}, std::string path = {}) {
    if (path.empty()) path = std::string("/") + library.name;
    if (steer.count("x-peer-secret") == 0) steer.emplace("x-peer-secret", library.secret);
    steer.emplace("x-peer-target", endpoint.url(path));
    return answer(peer.post(std::string("/sign/") + library.name, steer, body));
}

const Library& library(std::string_view name) {
    for (const Library& each : libraries) {
        if (each.name == name) return each;
    }
    throw std::logic_error("no such library");
}

using Catch::Matchers::StartsWith;

}  // namespace

TEST_CASE("each library accepts what we sign") {
    const Peer peer;
    for (const Library& each : libraries) {
        for (const std::string& body : bodies) {
            INFO(each.name << ": " << body.substr(0, 60));
            CHECK(Ours::sign(each, body).judged_by(peer, each, each.secret) == "200 accepted");
        }
    }
}

TEST_CASE("each library refuses what we signed when the body, the secret or the time is wrong") {
    const Peer peer;
    for (const Library& each : libraries) {
        INFO(each.name);
        Ours signed_now = Ours::sign(each, bodies[0]);
        CHECK_THAT(signed_now.judged_by(peer, each, each.wrong_secret), StartsWith("401 "));
        signed_now.body += ' ';
        CHECK_THAT(signed_now.judged_by(peer, each, each.secret), StartsWith("401 "));
        if (each.scheme.signed_text == fw::SignedText::body) continue;  // no time is signed
        CHECK_THAT(Ours::sign(each, bodies[0], now() - 400s).judged_by(peer, each, each.secret), StartsWith("401 "));
    }
}

TEST_CASE("we accept what each library signs") {
    const Peer peer;
    const Endpoint endpoint;
    for (const Library& each : libraries) {
        for (const std::string& body : bodies) {
            INFO(each.name << ": " << body.substr(0, 60));
            CHECK(theirs(peer, endpoint, each, body) == "200 accepted");
        }
    }
}

TEST_CASE("we refuse what each library signed when the body, the secret or the time is wrong") {
    const Peer peer;
    const Endpoint endpoint;
    for (const Library& each : libraries) {
        INFO(each.name);
        const std::string mismatch = "401 " + fw::Error(fw::Errc::signature_mismatch).message();
        CHECK_THAT(theirs(peer, endpoint, each, bodies[0], {{"x-peer-tamper", "x"}}), StartsWith(mismatch));
        CHECK_THAT(theirs(peer, endpoint, each, bodies[0], {{"x-peer-secret", each.wrong_secret}}),
                   StartsWith(mismatch));
        if (each.scheme.signed_text == fw::SignedText::body) continue;  // no time is signed
        CHECK_THAT(theirs(peer, endpoint, each, bodies[0], {{"x-peer-time", seconds_of(now() - 400s)}}),
                   StartsWith("401 " + fw::Error(fw::Errc::timestamp_too_old).message()));
        CHECK_THAT(theirs(peer, endpoint, each, bodies[0], {{"x-peer-time", seconds_of(now() + 400s)}}),
                   StartsWith("401 " + fw::Error(fw::Errc::timestamp_in_future).message()));
    }
}

TEST_CASE("our receiver handles what stripe signs, once, and nothing that was changed") {
    const Peer peer;
    const Endpoint endpoint;
    const Library& stripe = library("stripe");
    const auto post = [&](const httplib::Headers& steer) {
        return theirs(peer, endpoint, stripe, bodies[0], steer, "/receiver");
    };
    CHECK(post({{"x-peer-tamper", "x"}}) == "401 ");
    CHECK(post({{"x-peer-secret", stripe.wrong_secret}}) == "401 ");
    CHECK(post({{"x-peer-time", seconds_of(now() - 400s)}}) == "401 ");
    CHECK(endpoint.handled() == 0);
    CHECK(post({}) == "200 ");
    CHECK(post({}) == "200 ");
    CHECK(endpoint.handled() == 1);
}

TEST_CASE("stripe and we make the same header for the same secret, time and body") {
    const std::string body =
        R"({"eventId":"9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e","eventType":"contact.updated","object":"event"})";
    const fw::Timestamp time{1717023600s};
    const std::string header = "t=1717023600,v1=346aa46e7746e77d7038840fcc19a75c961da302abcfc12d33c450c2e2b13f86";
    const Peer peer;
    const Endpoint endpoint;
    const Library& stripe = library("stripe");

    const Ours ours = Ours::sign(stripe, body, time);
    CHECK(ours.headers == fw::Headers{{"X-FPT-Signature", header}});
    CHECK(ours.judged_by(peer, stripe, stripe.secret, time) == "200 accepted");
    CHECK(
        answer(peer.post(
            "/sign/stripe",
            {{"x-peer-secret", stripe.secret}, {"x-peer-time", "1717023600"}, {"x-peer-target", endpoint.url("/echo")}},
            body)) == "200 " + header);
}

// The record of where we differ on purpose: if a library changes its mind, the first half of a case says so.
TEST_CASE("a time in the future passes stripe and not us") {
    const Library& stripe = library("stripe");
    const Ours ours = Ours::sign(stripe, "{}", now() + 1h);
    CHECK(ours.judged_by(Peer(), stripe, stripe.secret) == "200 accepted");
    CHECK(ours.judged_by_us(stripe).error() == fw::Errc::timestamp_in_future);
}

TEST_CASE("a repeated time passes stripe and not us") {
    const Library& stripe = library("stripe");
    const Ours ours =
        Ours::sign(stripe, "{}").with("X-FPT-Signature", [](const std::string& value) { return "t=1," + value; });
    CHECK(ours.judged_by(Peer(), stripe, stripe.secret) == "200 accepted");
    CHECK(ours.judged_by_us(stripe).error() == fw::Errc::signature_malformed);
}

TEST_CASE("a secret of one character passes stripe and not us") {
    const Peer peer;
    CHECK(answer(peer.post("/sign/stripe", {{"x-peer-secret", "x"}, {"x-peer-target", peer.url("/verify/stripe")}},
                           "{}")) == "200 accepted");
    CHECK(fw::Signer::create(fw::Scheme::fpt, fw::Secret("x")).error() == fw::Errc::invalid_argument);
    CHECK(fw::Verifier::create({.secrets = {fw::Secret("x")}}).error() == fw::Errc::invalid_argument);
}

TEST_CASE("letters after the time pass svix and standardwebhooks and not us") {
    const Peer peer;
    for (const char* name : {"svix", "standardwebhooks"}) {
        INFO(name);
        const Library& each = library(name);
        const Ours ours =
            Ours::sign(each, "{}").with("webhook-timestamp", [](const std::string& value) { return value + "abc"; });
        CHECK(ours.judged_by(peer, each, each.secret) == "200 accepted");
        CHECK(ours.judged_by_us(each).error() == fw::Errc::signature_malformed);
    }
}

TEST_CASE("an empty key passes svix and not us") {
    const Peer peer;
    CHECK(answer(peer.post("/sign/svix", {{"x-peer-secret", "whsec_"}, {"x-peer-target", peer.url("/verify/svix")}},
                           "{}")) == "200 accepted");
    CHECK(fw::Signer::create(fw::Scheme::standard_webhooks, fw::Secret("whsec_")).error() ==
          fw::Errc::invalid_argument);
}

TEST_CASE("a body that is not UTF-8 passes us and no library") {
    const Peer peer;
    for (const Library& each : libraries) {
        INFO(each.name);
        const Ours ours = Ours::sign(each, "{\"name\":\"Zo\xeb\"}");
        CHECK_THAT(ours.judged_by(peer, each, each.secret), StartsWith("401 "));
        CHECK(ours.judged_by_us(each).has_value());
    }
}

TEST_CASE("upper-case hex digits pass us and not stripe") {
    const Library& stripe = library("stripe");
    const Ours ours = Ours::sign(stripe, "{}").with("X-FPT-Signature", [](std::string value) {
        const auto digits = value.find("v1=") + 3;
        std::transform(value.begin() + static_cast<std::ptrdiff_t>(digits), value.end(),
                       value.begin() + static_cast<std::ptrdiff_t>(digits),
                       [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        return value;
    });
    CHECK_THAT(ours.judged_by(Peer(), stripe, stripe.secret), StartsWith("401 "));
    CHECK(ours.judged_by_us(stripe).has_value());
}
