#include <fpt_webhooks/testing/in_process_sender.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>

#include <fpt_webhooks/receiver/receiver.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>

#include "support/catch.hpp"

namespace fw = fpt_webhooks;
namespace testing = fpt_webhooks::testing;

namespace {

const fw::Secret secret("whsec_fpt_test_secret_32_chars_min!!");
const fw::ContactStatusChanged change{.contact_id = fw::ContactId(9876),
                                      .previous_status = fw::ContactStatus::leads,
                                      .new_status = fw::ContactStatus::members};

// A partner's program: its handler stands on our Receiver and counts what each event did.
class Crm {
  public:
    explicit Crm(std::shared_ptr<const fw::Clock> clock = nullptr) {
        receiver_ = fw::Receiver::create({.endpoint = "crm", .secrets = {secret}, .clock = std::move(clock)}).value();
        receiver_->on_any([this](const fw::EventView& event) {
            if (failing) throw std::runtime_error("database is down");
            const std::lock_guard lock(mutex_);
            ++effects_[event.envelope()->event_id];
        });
    }

    fw::HttpResponse webhook(const fw::HttpRequest& request) const { return receiver_->handle(request); }

    testing::InProcessSender sender(std::shared_ptr<const fw::Clock> clock = nullptr) {
        return testing::InProcessSender::create({.secret = secret,
                                                 .handler = [this](const auto& request) { return webhook(request); },
                                                 .failure_hook = [this](bool on) { failing = on; },
                                                 .clock = std::move(clock)})
            .value();
    }

    std::uint64_t effects(const fw::EventId& id) const {
        const auto found = effects_.find(id);
        return found == effects_.end() ? 0 : found->second;
    }

    std::atomic<bool> failing{false};

  private:
    std::mutex mutex_;
    std::map<fw::EventId, std::uint64_t> effects_;
    std::unique_ptr<fw::Receiver> receiver_;
};

testing::InProcessSender sender_to(std::function<fw::HttpResponse(const fw::HttpRequest&)> handler) {
    return testing::InProcessSender::create({.secret = secret, .handler = std::move(handler)}).value();
}

constexpr testing::Fault all_faults[] = {
    testing::Fault::none,       testing::Fault::duplicate,      testing::Fault::concurrent_duplicates,
    testing::Fault::reordered,  testing::Fault::late,           testing::Fault::stale,
    testing::Fault::old_secret, testing::Fault::future_secret,  testing::Fault::tampered,
    testing::Fault::slow_body,  testing::Fault::cut_connection, testing::Fault::retry_after_500,
};

}  // namespace

TEST_CASE("in-process sender: our receiver meets every fault as it should, and each event has its effects") {
    for (const auto fault : all_faults) {
        DYNAMIC_SECTION(testing::name_of(fault)) {
            Crm crm;
            auto fpt = crm.sender();
            const auto delivery = fpt.deliver(change, fault);
            CHECK(delivery.complaint == "");
            CHECK_FALSE(delivery.answers.empty());
            REQUIRE_FALSE(delivery.effects.empty());
            for (const auto& effect : delivery.effects) CHECK(crm.effects(effect.event_id) == effect.times);
        }
    }
}

TEST_CASE("in-process sender: signs on the clock that it is given") {
    const auto clock = std::make_shared<testing::ManualClock>();
    Crm crm(clock);
    auto fpt = crm.sender(clock);
    CHECK(fpt.deliver(change).complaint == "");
    CHECK(fpt.deliver(change, testing::Fault::stale).complaint == "");
}

TEST_CASE("in-process sender: an event of the caller's keeps its id") {
    const auto event =
        fw::make_envelope(change, {.location = fw::LocationId(1)}, *fw::system_clock(), *fw::system_random()).value();
    Crm crm;
    auto fpt = crm.sender();
    CHECK(fpt.deliver(event, testing::Fault::late).effects ==
          std::vector<testing::ExpectedEffect>{{.event_id = event.event_id, .times = 1}});
    CHECK(crm.effects(event.event_id) == 1);
}

TEST_CASE("in-process sender: says what was answered and what should have been") {
    auto fpt = sender_to([](const auto&) { return fw::HttpResponse{.status = 200}; });
    CHECK(fpt.deliver(change, testing::Fault::stale).complaint ==
          "an event signed ten minutes ago was answered 200, where 401 is expected");
    CHECK(fpt.deliver(change, testing::Fault::cut_connection).complaint ==
          "half of the body was answered 200, where anything but 2xx is expected");
    CHECK(fpt.deliver(change, testing::Fault::retry_after_500).complaint ==
          "the event, whose processing was to fail, was answered 200, where anything but 2xx is expected");
}

TEST_CASE("in-process sender: stops at the first wrong answer") {
    int requests = 0;
    auto fpt = sender_to([&](const auto&) {
        ++requests;
        return fw::HttpResponse{.status = 503};
    });
    const auto delivery = fpt.deliver(change, testing::Fault::duplicate);
    CHECK(delivery.complaint == "the event was answered 503, where 2xx is expected");
    CHECK(delivery.answers.size() == 1);
    CHECK(requests == 1);
}

TEST_CASE("in-process sender: what a handler throws is a 500") {
    auto fpt = sender_to([](const auto&) -> fw::HttpResponse { throw std::runtime_error("oops"); });
    CHECK(fpt.deliver(change).complaint == "the event was answered 500, where 2xx is expected");
}

TEST_CASE("in-process sender: a concurrent duplicate may be told to come again, and then is accepted") {
    std::atomic<int> requests{0};
    auto fpt = sender_to([&](const auto&) { return fw::HttpResponse{.status = requests++ == 0 ? 200 : 503}; });
    CHECK(
        fpt.deliver(change, testing::Fault::concurrent_duplicates).complaint ==
        "the event again, after one of its duplicates was told to come again, was answered 503, where 2xx is expected");
    CHECK(requests == 9);

    auto angry = sender_to([&](const auto&) { return fw::HttpResponse{.status = 400}; });
    CHECK(angry.deliver(change, testing::Fault::concurrent_duplicates).complaint ==
          "one of several concurrent duplicates was answered 400, where 2xx is expected");
}

TEST_CASE("in-process sender: reordered sends an older event after the one it was given") {
    std::vector<fw::Envelope> seen;
    auto fpt = sender_to([&](const fw::HttpRequest& request) {
        seen.push_back(fw::decode_envelope(fw::bytes_of(request.body)).value());
        return fw::HttpResponse{.status = 200};
    });
    const auto delivery = fpt.deliver(change, testing::Fault::reordered);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].timestamp - seen[1].timestamp == std::chrono::seconds(1));
    CHECK(seen[0].data == seen[1].data);
    CHECK(seen[0].event_id != seen[1].event_id);
    CHECK(delivery.effects.size() == 2);
}

TEST_CASE("in-process sender: refuses options that cannot work, by name, without the secret") {
    const auto handler = [](const fw::HttpRequest&) { return fw::HttpResponse{.status = 200}; };
    const auto error_of = [](testing::InProcessSenderOptions options) {
        const auto created = testing::InProcessSender::create(std::move(options));
        REQUIRE_FALSE(created.has_value());
        return created.error().message();
    };
    CHECK(error_of({.secret = secret}).find("handler") != std::string::npos);
    CHECK(error_of({.handler = handler}).find("secret") != std::string::npos);
    const auto text = error_of({.secret = secret, .handler = handler, .old_secret = fw::Secret("shorty")});
    CHECK(text.find("old_secret") != std::string::npos);
    CHECK(text.find("shorty") == std::string::npos);
}
